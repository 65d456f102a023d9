import { didYouMean } from '@adctl/protocol';
import type { z } from 'zod';
import type { CommonHyperparameters, ImageShape, MethodCard, Preset } from './method.js';

/** Characters of a value that a message shows. */
const MOST_SHOWN = 60;

/** One mistake in hyperparameters. */
export interface HyperparameterIssue {
  /** Keys from the root of the hyperparameters, e.g. `['optimizer', 'beta1']`; empty when several together are at fault. */
  readonly path: readonly (string | number)[];
  readonly code: 'unknown_name' | 'wrong_value' | 'refused_value';
  readonly message: string;
  /** What to write instead. */
  readonly suggestion?: string;
}

export interface ResolveOptions {
  readonly preset: Preset;
  /** Shape of the images the model will see. */
  readonly input: ImageShape;
  /** What the user changes, as parsed from a file: checked, not trusted. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

export type ResolvedHyperparameters<H> =
  | { readonly hyperparameters: H; readonly warnings: readonly string[]; readonly issues: readonly [] }
  | {
      readonly hyperparameters?: undefined;
      readonly warnings?: undefined;
      readonly issues: readonly HyperparameterIssue[];
    };

/**
 * A trial's hyperparameters: schema defaults, changed by the preset for this image shape, changed by the overrides
 * (groups are merged member by member).
 *
 * @returns every hyperparameter with a value and the card's warnings, or every mistake at once.
 */
export function resolveHyperparameters<H extends CommonHyperparameters>(
  card: MethodCard<H>,
  { preset, input, overrides = {} }: ResolveOptions,
): ResolvedHyperparameters<H> {
  const known = Object.keys(card.hyperparameters.parse({}));
  const merged = merge(card.presets[preset](input) as Readonly<Record<string, unknown>>, overrides);
  const parsed = card.hyperparameters.safeParse(merged);
  if (!parsed.success) {
    return { issues: parsed.error.issues.flatMap((issue) => wordIssue(issue, merged, card.name, known)) };
  }
  const refusal = card.refuse?.(parsed.data, input) ?? null;
  if (refusal !== null) return { issues: [{ path: [], code: 'refused_value', message: refusal }] };
  return { hyperparameters: parsed.data, warnings: card.warn?.(parsed.data, input) ?? [], issues: [] };
}

function merge(
  base: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(changes)) {
    const old = result[key];
    result[key] = isGroup(old) && isGroup(value) ? merge(old, value) : value;
  }
  return result;
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wordIssue(
  issue: z.core.$ZodIssue,
  root: unknown,
  method: string,
  known: readonly string[],
): HyperparameterIssue[] {
  const path = issue.path.filter((key): key is string | number => typeof key !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const near = path.length === 0 ? didYouMean(key, known) : undefined;
      return {
        path: [...path, key],
        code: 'unknown_name',
        message: `method ${method} has no hyperparameter '${[...path, key].join('.')}'`,
        suggestion: near === undefined ? `known: ${known.join(', ')}` : `did you mean ${near}?`,
      };
    });
  }
  const value = path.reduce<unknown>((at, key) => (at as Record<string | number, unknown> | undefined)?.[key], root);
  const name = path.join('.');
  const base = { path, code: 'wrong_value' as const };
  if (issue.code === 'invalid_value') {
    const names = issue.values.map(String);
    const near = typeof value === 'string' ? didYouMean(value, names) : undefined;
    const message = `${name} must be ${names.join(' or ')}, is ${shortened(value)}`;
    return [near === undefined ? { ...base, message } : { ...base, message, suggestion: `did you mean ${near}?` }];
  }
  return [{ ...base, message: `${name} ${requirement(issue)}, is ${shortened(value)}` }];
}

/** A value as a message shows it: whoever wrote thousands of entries wants the reason, not the list. */
function shortened(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 1)}…` : text;
}

function requirement(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPE_WORDS[issue.expected] ?? `of type ${issue.expected}`}`;
    case 'too_small':
      if (issue.origin === 'array') return `needs at least ${issue.minimum} entries`;
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'array') return `must have at most ${issue.maximum} entries`;
      return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
    default:
      return `is not right (${issue.message})`;
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  number: 'a finite number',
  int: 'a whole number',
  boolean: 'true or false',
  string: 'text',
  array: 'a list',
  object: 'a mapping',
};
