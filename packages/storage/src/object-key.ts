import { badObjectKey } from './errors.js';

const SEGMENT = /^[A-Za-z0-9._=-]+$/;
const LONGEST_BYTES = 1024;

/**
 * Refuses what is not `/`-joined segments of `[A-Za-z0-9._=-]`, none of them `.` or `..`, of at most 1,024 bytes. So no
 * key can leave its store, need escaping, or meet a store's own names, which begin with `~`.
 * @throws AdctlError bug `bad_object_key`.
 */
export function assertObjectKey(key: string): void {
  if (Buffer.byteLength(key) > LONGEST_BYTES)
    throw badObjectKey(key.slice(0, 80), `it is longer than ${LONGEST_BYTES} bytes`);
  for (const segment of key.split('/')) assertSegment(key, segment);
}

/** Whether `assertObjectKey` would pass, for keys that come from elsewhere. */
export function isObjectKey(key: string): boolean {
  const segments = key.split('/');
  return key.length <= LONGEST_BYTES && segments.every((segment) => SEGMENT.test(segment) && !/^\.\.?$/.test(segment));
}

/**
 * Refuses what no key can begin with. A prefix may be empty and may end within a segment or with a slash.
 * @throws AdctlError bug `bad_object_key`.
 */
export function assertObjectPrefix(prefix: string): void {
  const segments = prefix.split('/');
  const last = segments.pop() ?? '';
  for (const segment of segments) assertSegment(prefix, segment);
  if (last !== '' && !SEGMENT.test(last)) throw badObjectKey(prefix, 'only [A-Za-z0-9._=-] may stand between slashes');
}

function assertSegment(key: string, segment: string): void {
  if (!SEGMENT.test(segment)) throw badObjectKey(key, 'only [A-Za-z0-9._=-] may stand between slashes');
  if (segment === '.' || segment === '..') throw badObjectKey(key, 'no segment may be . or ..');
}
