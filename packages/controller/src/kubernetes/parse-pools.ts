import { userError } from '@adctl/protocol';
import { parse } from 'yaml';
import { PoolsFile } from './pool.js';

/**
 * Parses a pools file (YAML or JSON).
 *
 * @param text the file's content, or the value of an environment variable
 * @param place what to call it in messages: a path or a variable
 * @throws AdctlError user `invalid_pools` with every mistake and its place.
 */
export function parsePools(text: string, place: string): PoolsFile {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw invalidPools(place, [error instanceof Error ? error.message : String(error)], error);
  }
  const parsed = PoolsFile.safeParse(document);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${pathText(path) || 'the file'}: ${message}`);
  throw invalidPools(place, issues, parsed.error);
}

/** `pools[0].resources.limits.nvidia.com/gpu` */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

/** Thrown when the pools cannot be used as written. */
function invalidPools(place: string, issues: readonly string[], cause: unknown) {
  const count = issues.length === 1 ? 'a mistake' : `${issues.length} mistakes`;
  return userError('invalid_pools', `${place} has ${count}.\n${issues.map((issue) => `  ${issue}`).join('\n')}`, {
    hint: 'Correct the pools and start the controller again.',
    details: { place, issues },
    cause,
  });
}
