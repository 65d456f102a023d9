import { createHash } from 'node:crypto';
import type { Sha256 } from './ids.js';

/** JSON with object keys in code-unit order and no white space, so that equal values have equal text. Undefined members vanish. */
export function toCanonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => toCanonicalJson(item ?? null)).join(',')}]`;
  let members = '';
  for (const key of Object.keys(value).sort()) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    if (member === undefined) continue;
    members += `${members === '' ? '' : ','}${JSON.stringify(key)}:${toCanonicalJson(member)}`;
  }
  return `{${members}}`;
}

/** Content hash of bytes or text. */
export function sha256(content: Uint8Array | string): Sha256 {
  return createHash('sha256').update(content).digest('hex') as Sha256;
}

/** Content hash of a JSON value, independent of member order. */
export function digestOf(value: unknown): Sha256 {
  return sha256(toCanonicalJson(value));
}
