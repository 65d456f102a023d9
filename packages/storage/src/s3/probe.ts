import { randomUUID } from 'node:crypto';
import { AdctlError } from '@adctl/protocol';
import type { ObjectStore, PutOutcome } from '../object-store.js';

/** What a store was seen to do. */
export interface S3Capabilities {
  /** Put-if-absent on an existing key is refused. */
  readonly putIfAbsent: boolean;
  /** Of several put-if-absent at once exactly one wins. */
  readonly putIfAbsentAtomic: boolean;
  /** Put-if-match with a stale etag is refused, with the current one it is done. */
  readonly putIfMatch: boolean;
  /** Uploads in parts work, and their parts can be listed. */
  readonly multipart: boolean;
  /** Completing an upload if absent is refused on an existing key. */
  readonly completeIfAbsent: boolean;
  /** A listing shows at once, and in key order, what was written, and no more what was deleted. */
  readonly strongList: boolean;
}

/** Below the store's prefix; a lifecycle rule may sweep it. */
const PROBES = 'v1/probe';
const RACERS = 8;

const bytes = (text: string) => new TextEncoder().encode(text);

/**
 * Finds out what a store really does, with about 30 small requests on keys of its own, which it deletes again. Conditions
 * that a store ignores are the dangerous ones: nothing fails, and results are overwritten.
 *
 * Everything that is looked at has keys of its own, so that all looks go on at once: whoever starts waits for them.
 * @throws AdctlError what the store throws, but for `storage_unsupported`, which is an answer.
 */
export async function probeS3(store: ObjectStore): Promise<S3Capabilities> {
  const folder = `${PROBES}/${randomUUID()}`;
  const used: string[] = [];
  const key = (name: string): string => {
    const whole = `${folder}/${name}`;
    used.push(whole);
    return whole;
  };
  const looks = [
    // Without the right to list, S3 answers 403 for an absent key: better said here than in the middle of a trial.
    store.head(key('nothing')),
    listsAtOnce(store, `${folder}/list/`, [key('list/a'), key('list/b')]),
    supported(() => refusesWhatIsThere(store, key('absent'))),
    supported(() => comparesAndSets(store, key('match'))),
    supported(() => hasOneWinner(store, key('race'))),
    supported(() => takesParts(store, key('upload'))),
    supported(() => completesIfAbsent(store, key('complete'))),
  ] as const;
  try {
    const [, strongList, putIfAbsent, putIfMatch, putIfAbsentAtomic, multipart, completeIfAbsent] =
      await Promise.all(looks);
    return { strongList, putIfAbsent, putIfMatch, putIfAbsentAtomic, multipart, completeIfAbsent };
  } finally {
    await Promise.allSettled(looks); // or one of them would write again what is deleted now
    await Promise.all(used.map((one) => store.delete(one)));
  }
}

const refuses = async (put: Promise<PutOutcome>) => !(await put).written;

/** A store that says that it does not know a request cannot do what was asked. */
async function supported(probe: () => Promise<boolean>): Promise<boolean> {
  try {
    return await probe();
  } catch (error) {
    if (error instanceof AdctlError && error.code === 'storage_unsupported') return false;
    throw error;
  }
}

async function refusesWhatIsThere(store: ObjectStore, key: string): Promise<boolean> {
  await store.put(key, bytes('first'));
  return refuses(store.put(key, bytes('if absent'), { ifAbsent: true }));
}

async function listsAtOnce(store: ObjectStore, folder: string, keys: readonly string[]): Promise<boolean> {
  const listed = async () => {
    const found: string[] = [];
    for await (const { key } of store.list(folder)) found.push(key);
    return found.join();
  };
  // Written backwards: a store that lists in order of arrival is found out.
  for (const key of keys.toReversed()) await store.put(key, bytes(key));
  const written = (await listed()) === keys.join();
  for (const key of keys) await store.delete(key);
  return written && (await listed()) === '';
}

async function comparesAndSets(store: ObjectStore, key: string): Promise<boolean> {
  const before = await store.put(key, bytes('before'));
  if (!before.written) return false;
  const right = await store.put(key, bytes('after'), { ifMatch: before.etag });
  return right.written && (await refuses(store.put(key, bytes('stale'), { ifMatch: before.etag })));
}

async function hasOneWinner(store: ObjectStore, key: string): Promise<boolean> {
  const racers = Array.from({ length: RACERS }, (_, racer) => store.put(key, bytes(`${racer}`), { ifAbsent: true }));
  const outcomes = await Promise.allSettled(racers);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value.written).length === 1;
}

async function takesParts(store: ObjectStore, key: string): Promise<boolean> {
  const upload = await store.createMultipart(key);
  try {
    await upload.putPart(1, bytes('part'));
    const listed = await upload.parts();
    return listed.length === 1 && (await upload.complete()).written && (await store.head(key))?.bytes === 4;
  } finally {
    await upload.abort();
  }
}

async function completesIfAbsent(store: ObjectStore, existing: string): Promise<boolean> {
  await store.put(existing, bytes('first'));
  const upload = await store.createMultipart(existing);
  try {
    await upload.putPart(1, bytes('part'));
    return await refuses(upload.complete({ ifAbsent: true }));
  } finally {
    await upload.abort();
  }
}
