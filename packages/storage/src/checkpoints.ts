import {
  AdctlError,
  CheckpointHead,
  CheckpointManifest,
  checkpointPrefix,
  headKey,
  manifestKey,
  type Sha256,
  type SweepId,
  sha256,
  type TrialId,
  toCanonicalJson,
} from '@adctl/protocol';
import { checkpointConflict } from './errors.js';
import { putInParts, type UnfinishedUploads } from './large-objects.js';
import type { ObjectStore, PutOutcome } from './object-store.js';

export interface CheckpointFile {
  /** One key segment, e.g. `generator.safetensors`. */
  readonly name: string;
  readonly content: Uint8Array;
  readonly contentType?: string;
}

export interface NewCheckpoint {
  readonly sweep: SweepId;
  readonly trial: TrialId;
  /** The claim that trains, from 1; it fences the checkpoint. */
  readonly attempt: number;
  /** Finished epochs and steps. */
  readonly epoch: number;
  readonly step: number;
  /** TensorFlow threads that trained it. */
  readonly threads: number;
  /** Digest of the code that trained it. */
  readonly codeVersion?: Sha256;
  readonly files: readonly CheckpointFile[];
  readonly signal?: AbortSignal;
  /** For whoever commits again what failed for a passing reason: files go on where they broke off. */
  readonly unfinished?: UnfinishedUploads;
}

export interface CommittedCheckpoint {
  readonly manifestKey: string;
  /** Of the manifest's bytes. */
  readonly sha256: string;
  /** Set when a later attempt's checkpoint is the head: this attempt lost its claim and should stop. */
  readonly fencedBy?: number;
}

/**
 * Commits a checkpoint: the files, then `MANIFEST.json` put-if-absent, then the head by compare-and-set. It exists from
 * the manifest on; a crash before leaves files nobody looks at. Calling again with the same content, after an error or a
 * lost answer, ends in the same state.
 *
 * The head only moves forward, by attempt and then step: the checkpoint of an attempt that lost its claim is stored under
 * its own number, but never replaces the newer attempt's head.
 * @throws AdctlError bug `checkpoint_conflict` when the attempt and step are taken by other content; whatever the store throws.
 */
export async function commitCheckpoint(store: ObjectStore, checkpoint: NewCheckpoint): Promise<CommittedCheckpoint> {
  const { sweep, trial, attempt, epoch, step, threads, codeVersion } = checkpoint;
  const prefix = checkpointPrefix(sweep, trial, attempt, step);
  const files = [];
  for (const file of checkpoint.files) {
    const key = `${prefix}${file.name}`;
    await putOnce(store, key, file.content, file.contentType ?? 'application/octet-stream', checkpoint);
    files.push({ key, bytes: file.content.byteLength, sha256: sha256(file.content), contentType: file.contentType });
  }
  const about = { sweep, trial, attempt, epoch, step, threads, codeVersion };
  const manifest = CheckpointManifest.parse({ version: 1, ...about, files });
  const content = Buffer.from(toCanonicalJson(manifest));
  const key = manifestKey(sweep, trial, attempt, step);
  await putOnce(store, key, content, 'application/json', checkpoint);
  const committed = { manifestKey: key, sha256: sha256(content) };
  const head = await moveHead(store, checkpoint, { version: 1, attempt, step, ...committed });
  return head.attempt > attempt ? { ...committed, fencedBy: head.attempt } : committed;
}

/** The head of a trial; null when there is none or it is torn. `etag` is the token for replacing what is there. */
export async function readHead(
  store: ObjectStore,
  sweep: SweepId,
  trial: TrialId,
): Promise<{ readonly head: CheckpointHead | null; readonly etag: string | null }> {
  const object = await store.get(headKey(sweep, trial));
  if (object === null) return { head: null, etag: null };
  const head = CheckpointHead.safeParse(parseJson(object.content));
  return { head: head.success ? head.data : null, etag: object.info.etag };
}

/** JSON of an object's bytes; undefined, which no schema here accepts, for what is no JSON. */
export function parseJson(content: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(content).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Writes an object that may already be there from an earlier try; then its content must be the same. */
async function putOnce(
  store: ObjectStore,
  key: string,
  content: Uint8Array,
  contentType: string,
  { signal, unfinished }: Pick<NewCheckpoint, 'signal' | 'unfinished'>,
): Promise<void> {
  signal?.throwIfAborted();
  const going = { ...(signal && { signal }), ...(unfinished && { unfinished }) };
  const options = { ifAbsent: true, contentType, ...going };
  if ((await putInParts(store, key, content, options)).written) return;
  const stored = await store.get(key);
  if (stored === null || sha256(stored.content) !== sha256(content)) throw checkpointConflict(key);
}

/** Moves the head to ours unless it is further already. @returns the head that is in force then. */
async function moveHead(
  store: ObjectStore,
  { sweep, trial }: NewCheckpoint,
  ours: CheckpointHead,
): Promise<CheckpointHead> {
  const key = headKey(sweep, trial);
  const content = Buffer.from(toCanonicalJson(ours));
  // Ends: every lost race means that another writer moved the head forward.
  while (true) {
    const { head, etag } = await readHead(store, sweep, trial);
    if (head !== null && compareAge(head, ours) >= 0) return head;
    const condition = etag === null ? { ifAbsent: true } : { ifMatch: etag };
    if (await wins(store.put(key, content, { ...condition, contentType: 'application/json' }))) return ours;
  }
}

/** Whether the put was done. One whose outcome nobody knows counts as lost: the head is read again and compared. */
async function wins(put: Promise<PutOutcome>): Promise<boolean> {
  try {
    return (await put).written;
  } catch (error) {
    if (error instanceof AdctlError && error.code === 'storage_outcome_unknown') return false;
    throw error;
  }
}

/** Order of checkpoints: by attempt, then by step. Positive when the first is newer. */
export function compareAge(
  a: { readonly attempt: number; readonly step: number },
  b: { readonly attempt: number; readonly step: number },
): number {
  return a.attempt - b.attempt || a.step - b.step;
}
