import { AdctlError, SweepRecord, sweepStatusKey, toCanonicalJson } from '@adctl/protocol';
import { type ObjectStore, type PutOutcome, parseJson } from '@adctl/storage';
import { inBatches } from '../batches.js';
import type { ControllerContext } from '../context.js';
import { superseded } from '../errors.js';
import { isUnreadable } from '../failure-scope.js';
import { setApart } from '../set-apart.js';

/** A sweep's status object as this controller left it. */
export interface StatusNoted {
  readonly text: string;
  /** What the next write is conditional on. */
  readonly etag: string;
}

/**
 * Brings the object from which a lost record is made again up to what the record says. It is written by put-if-match, and
 * the writer's term stands in it: no two leaders ever write the same bytes, so a leader that was deposed meets another etag
 * than it knows, however long its write was on its way.
 *
 * Record and object are written one after the other, in the order that leaves the record active wherever a crash comes
 * between them: an end goes to the object first, everything else to the record. So whoever leads next finds the sweep among
 * the active ones and puts the object right (`mendStatuses`).
 *
 * @throws AdctlError transient `controller_superseded` when a later leader has written it meanwhile.
 */
export async function putStatus(context: ControllerContext, record: SweepRecord): Promise<void> {
  const { sweep } = record;
  const { objects, statuses, term = 0 } = context;
  const key = sweepStatusKey(sweep);
  const text = toStatus(record);
  const noted = statuses.get(sweep);
  if (noted?.text === text) return;
  let etag: string | null | undefined = noted?.etag;
  let refused = false;
  // Ends: every refusal means that another leader has written, and only one of them goes on.
  for (;;) {
    if (etag === undefined) {
      const found = await readStatus(objects, key);
      // What was there before we ever wrote is no rival's: its term may be one of a state store that was lost.
      if (refused && termOf(found?.content) > term) throw superseded(key);
      etag = found?.etag ?? null;
      if (etag !== null && Buffer.from(text).equals(found?.content ?? Buffer.alloc(0))) break;
    }
    const condition = etag === null ? { ifAbsent: true } : { ifMatch: etag };
    etag = await etagOf(objects.put(key, Buffer.from(text), { ...condition, contentType: 'application/json' }));
    if (etag !== undefined) break;
    refused = true;
  }
  statuses.set(sweep, { text, etag });
}

/** Whether the object says something else than the record, as far as this controller knows. */
export function isStatusNews({ statuses }: ControllerContext, record: SweepRecord): boolean {
  return statuses.get(record.sweep)?.text !== toStatus(record);
}

/**
 * Brings the objects of all active sweeps up to their records: a new leader takes them over, and what a crash or an outage
 * left behind is mended.
 */
export async function mendStatuses(context: ControllerContext): Promise<void> {
  const behind = [...context.books.values()].filter(({ record }) => isStatusNews(context, record));
  await inBatches(behind, (book) =>
    setApart(context, book, () => putStatus(context, book.record)).finally(context.pulse),
  );
}

/** What of a sweep's record follows from nothing else. */
export function toStatus(record: SweepRecord): string {
  return toCanonicalJson({ ...record, expanded: 0 });
}

/** What is there, to be replaced; without its content where that is damaged. */
async function readStatus(
  objects: Pick<ObjectStore, 'get' | 'head'>,
  key: string,
): Promise<{ readonly etag: string; readonly content: Uint8Array | undefined } | null> {
  try {
    const found = await objects.get(key);
    return found === null ? null : { etag: found.info.etag, content: found.content };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    const info = await objects.head(key);
    return info === null ? null : { etag: info.etag, content: undefined };
  }
}

/** The term under which a status was written; 0 for none, and for what cannot be read: it is written anew. */
function termOf(content: Uint8Array | undefined): number {
  return SweepRecord.safeParse(content === undefined ? undefined : parseJson(content)).data?.term ?? 0;
}

/** The etag of a put that was done; undefined for one that was refused, or whose outcome nobody knows: the object tells. */
async function etagOf(put: Promise<PutOutcome>): Promise<string | undefined> {
  try {
    const outcome = await put;
    return outcome.written ? outcome.etag : undefined;
  } catch (error) {
    if (error instanceof AdctlError && error.code === 'storage_outcome_unknown') return undefined;
    throw error;
  }
}
