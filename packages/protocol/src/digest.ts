import { createHash } from 'node:crypto';
import type { Sha256 } from './ids.js';

/** JSON with object keys in code-unit order and no white space, so that equal values have equal text. Undefined members vanish. */
export function toCanonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => toCanonicalJson(item ?? null)).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${toCanonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}

/** Content hash of bytes or text. */
export function sha256(content: Uint8Array | string): Sha256 {
  return createHash('sha256').update(content).digest('hex') as Sha256;
}

/** Content hash of a JSON value, independent of member order. */
export function digestOf(value: unknown): Sha256 {
  return sha256(toCanonicalJson(value));
}
