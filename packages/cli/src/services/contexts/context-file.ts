import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AdctlError, userError } from '@adctl/protocol';
import { parse, stringify } from 'yaml';
import { z } from 'zod';

const path = z.string().regex(/^\//, 'must be an absolute path');

/** How to reach a cluster, and who to be there. Secrets stay in the files it names. */
export const Context = z.strictObject({
  /** `nats://host:port` or `tls://host:port`. */
  servers: z.array(z.string().regex(/^[^@]*$/, 'must not hold a user or password')).min(1),
  /** The name that the server's permissions know this person by: the owner of what is submitted. */
  identity: z.string().regex(/^[A-Za-z0-9_-]+$/, 'must be letters, digits, dashes and underscores'),
  namespace: z.string().optional(),
  caFile: path.optional(),
  certFile: path.optional(),
  keyFile: path.optional(),
  nkeySeedFile: path.optional(),
  credsFile: path.optional(),
  user: z.string().optional(),
  passwordFile: path.optional(),
});
export type Context = z.infer<typeof Context>;

const ContextName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be letters, digits, dots and dashes');

/** `contexts.yaml`: what people write by hand may hold no unknown keys. */
export const ContextFile = z.strictObject({
  version: z.literal(1),
  /** The context in use; none: the folder's embedded deployment. */
  current: z.string().optional(),
  contexts: z.record(ContextName, Context),
});
export type ContextFile = z.infer<typeof ContextFile>;

const EMPTY: ContextFile = { version: 1, contexts: {} };

/**
 * Reads the contexts; none when the file is not there.
 * @throws AdctlError user `contexts_exposed` when others may read or write it, `contexts_unreadable`.
 */
export async function readContexts(file: string): Promise<ContextFile> {
  let text: string;
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) throw exposed(file, mode);
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof AdctlError) throw error;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return EMPTY;
    throw unreadable(file, error instanceof Error ? error.message : String(error), error);
  }
  const parsed = ContextFile.safeParse(parseYaml(file, text));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw unreadable(file, issues.join('; '), parsed.error);
}

/** Writes the contexts whole or not at all, for this user only. */
export async function writeContexts(file: string, contexts: ContextFile): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, stringify(ContextFile.parse(contexts)), { mode: 0o600 });
  await chmod(draft, 0o600); // whatever the umask
  await rename(draft, file);
}

function parseYaml(file: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw unreadable(file, error instanceof Error ? error.message : String(error), error);
  }
}

function exposed(file: string, mode: number): AdctlError {
  return userError('contexts_exposed', `${file} may be read by others (mode ${(mode & 0o777).toString(8)})`, {
    hint: `It says where credentials lie and whom to trust. Run: chmod 600 ${file}`,
    details: { file },
  });
}

function unreadable(file: string, why: string, cause: unknown): AdctlError {
  return userError('contexts_unreadable', `${file} cannot be used: ${why}`, {
    hint: 'Mend the file, or move it away and run adctl contexts add again.',
    details: { file },
    cause,
  });
}
