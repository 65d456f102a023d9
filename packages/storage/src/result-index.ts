import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import {
  AdctlError,
  IndexHead,
  type IndexPart,
  IndexRow,
  indexHeadKey,
  indexPartKey,
  indexPrefix,
  type SweepId,
  sha256,
  toCanonicalJson,
} from '@adctl/protocol';
import { parseJson } from './checkpoints.js';
import type { ObjectStore } from './object-store.js';

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/**
 * Writes one segment's rows as a part. It is part of the index once the head names it. Equal rows are the same object.
 */
export async function writeIndexPart(
  store: ObjectStore,
  sweep: SweepId,
  segment: number,
  rows: readonly IndexRow[],
): Promise<IndexPart> {
  const sorted = [...rows].sort((a, b) => a.index - b.index);
  const text = sorted.map((row) => `${toCanonicalJson(row)}\n`).join('');
  const key = indexPartKey(sweep, segment, sha256(text));
  await store.put(key, await pack(text), { ifAbsent: true, contentType: 'application/gzip' });
  return { key, segment, rows: rows.length };
}

/** @throws AdctlError permanent `index_unreadable`. */
export async function readIndexPart(store: ObjectStore, { key, rows }: IndexPart): Promise<IndexRow[]> {
  const object = await store.get(key);
  if (object === null) throw indexUnreadable(key, 'it is missing', undefined);
  try {
    const text = (await unpack(object.content)).toString('utf8');
    const lines = text.split('\n').filter((line) => line !== '');
    if (lines.length === rows) return lines.map((line) => IndexRow.parse(JSON.parse(line)));
    throw new RangeError(`it has ${lines.length} rows instead of ${rows}`);
  } catch (error) {
    throw indexUnreadable(key, 'it is damaged', error);
  }
}

/**
 * Deletes parts that the head does not name, written before the given time: a crash left them, or the head was moved away from them. Not
 * beside a writer of the same sweep: it could be about to name one.
 *
 * @returns how many, and their bytes; with `dryRun` what would go.
 */
export async function deleteOldIndexParts(
  store: ObjectStore,
  sweep: SweepId,
  { before, dryRun }: { readonly before: Date; readonly dryRun: boolean },
): Promise<{ readonly parts: number; readonly bytes: number }> {
  const { head } = await readIndexHead(store, sweep);
  const named = new Set([indexHeadKey(sweep), ...(head?.parts ?? []).map(({ key }) => key)]);
  let parts = 0;
  let bytes = 0;
  for await (const object of store.list(indexPrefix(sweep))) {
    if (named.has(object.key) || object.modifiedAt >= before) continue;
    if (!dryRun) await store.delete(object.key);
    parts += 1;
    bytes += object.bytes;
  }
  return { parts, bytes };
}

/** The head of a sweep's index; null when there is none, or none that can be read: an index can always be made again. */
export async function readIndexHead(
  store: ObjectStore,
  sweep: SweepId,
): Promise<{ readonly head: IndexHead | null; readonly etag: string | null }> {
  const object = await store.get(indexHeadKey(sweep));
  if (object === null) return { head: null, etag: null };
  const head = IndexHead.safeParse(parseJson(object.content));
  return { head: head.success ? head.data : null, etag: object.info.etag };
}

/**
 * Moves the head by compare-and-set.
 * @param change from what is in force to what shall be; called again when somebody else was faster.
 * @returns the head in force then.
 */
export async function changeIndexHead(
  store: ObjectStore,
  sweep: SweepId,
  change: (before: IndexHead | null) => IndexHead,
): Promise<IndexHead> {
  // Ends: every lost race means that another writer moved the head.
  while (true) {
    const { head, etag } = await readIndexHead(store, sweep);
    const after = change(head);
    const content = Buffer.from(toCanonicalJson(IndexHead.parse(after)));
    const condition = etag === null ? { ifAbsent: true } : { ifMatch: etag };
    try {
      const put = await store.put(indexHeadKey(sweep), content, { ...condition, contentType: 'application/json' });
      if (put.written) return after;
    } catch (error) {
      // One whose outcome nobody knows: the head is read again.
      if (!(error instanceof AdctlError) || error.code !== 'storage_outcome_unknown') throw error;
    }
  }
}

/** Thrown for a part of the index that is missing or damaged; the results themselves are not. */
function indexUnreadable(key: string, why: string, cause: unknown): AdctlError {
  return new AdctlError(`the index part ${key} cannot be used: ${why}`, {
    code: 'index_unreadable',
    kind: 'permanent',
    hint: 'Delete the folder it lies in: the index is made again from the results.',
    details: { key },
    cause,
  });
}
