import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { userError } from './errors.js';

/** Environment variables as a process has them, usually `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What one variable alone cannot tell, e.g. that two exclude each other: yields `NAME: what is wrong`. */
export type EnvironmentRule = (set: Environment) => Iterable<string>;

/** A whole number in an environment variable. */
export const wholeNumber = (fallback: number, least = 0) => z.coerce.number().int().min(least).default(fallback);

/** `0` or `1` in an environment variable; off when it is unset. */
export const switchVariable = z
  .enum(['0', '1'])
  .optional()
  .transform((value) => value === '1');

/** Values joined by commas in an environment variable; blanks around them do not count. */
export const listVariable = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

/** Absolute folders joined by colons, as in `PATH`; none when it is unset. */
export const foldersVariable = z
  .string()
  .default('')
  .transform((text) => text.split(':').filter((folder) => folder !== ''))
  .refine((folders) => folders.every(isAbsolute), 'must be absolute folders joined by colons');

/**
 * Reads a process's settings. Empty variables count as unset; variables that the schema does not name are left alone.
 *
 * @param whose as in "the worker", for the message
 * @throws AdctlError user, of the given code, listing every variable that is missing or wrong. Values are never repeated:
 *   what is wrong may be a secret in the wrong place.
 */
export function parseEnvironment<S extends z.ZodType>(
  variables: Environment,
  read: {
    readonly schema: S;
    readonly rules?: readonly EnvironmentRule[];
    readonly whose: string;
    readonly code: string;
  },
): z.output<S> {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = read.schema.safeParse(set);
  const issues = [
    ...(parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)),
    ...(read.rules ?? []).flatMap((rule) => [...rule(set)]),
  ];
  if (parsed.success && issues.length === 0) return parsed.data;
  throw userError(read.code, `The environment of ${read.whose} is wrong.\n${issues.join('\n')}`, {
    hint: `Correct these environment variables and start ${read.whose} again.`,
    details: { issues },
  });
}
