import {
  CheckpointManifest,
  checkpointPrefix,
  manifestKey,
  type SweepId,
  sha256,
  type TrialId,
  trialCheckpointsPrefix,
} from '@adctl/protocol';
import { compareAge, parseJson, readHead } from './checkpoints.js';
import type { ObjectStore } from './object-store.js';

export interface LoadedCheckpoint {
  readonly manifestKey: string;
  readonly manifest: CheckpointManifest;
  /** Content by file name (without the key's prefix), sizes and hashes verified. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** A committed checkpoint that could not be used, and why, for the log and for people. */
export interface SkippedCheckpoint {
  readonly manifestKey: string;
  readonly reason: string;
}

interface Place {
  readonly attempt: number;
  readonly step: number;
}

/**
 * Finds the newest committed checkpoint of a trial, by attempt and then step, whose every byte verifies. The head is only
 * a hint: a crash may have left it behind, torn or missing, so the manifests are listed as well.
 * @returns null when the trial has none that is whole; `skipped` tells what was passed over.
 */
export async function loadNewestCheckpoint(
  store: ObjectStore,
  sweep: SweepId,
  trial: TrialId,
): Promise<{ readonly checkpoint: LoadedCheckpoint | null; readonly skipped: readonly SkippedCheckpoint[] }> {
  const skipped: SkippedCheckpoint[] = [];
  for (const place of await placesNewestFirst(store, sweep, trial)) {
    const key = manifestKey(sweep, trial, place.attempt, place.step);
    const loaded = await loadVerified(store, sweep, trial, place);
    if (typeof loaded !== 'string') return { checkpoint: { manifestKey: key, ...loaded }, skipped };
    skipped.push({ manifestKey: key, reason: loaded });
  }
  return { checkpoint: null, skipped };
}

/** Attempt and step of every committed manifest below a trial. */
export async function listCheckpoints(store: ObjectStore, sweep: SweepId, trial: TrialId): Promise<Place[]> {
  const places: Place[] = [];
  for await (const { key } of store.list(trialCheckpointsPrefix(sweep, trial))) {
    const place = placeOf(sweep, trial, key);
    if (place !== null && key === manifestKey(sweep, trial, place.attempt, place.step)) places.push(place);
  }
  return places;
}

/** Attempt and step a key belongs to, or null when it is not of the trial's checkpoints. */
export function placeOf(sweep: SweepId, trial: TrialId, key: string): Place | null {
  const prefix = trialCheckpointsPrefix(sweep, trial);
  if (!key.startsWith(prefix)) return null;
  const numbers = /^a(\d+)\/s(\d+)\//.exec(key.slice(prefix.length));
  return numbers === null ? null : { attempt: Number(numbers[1]), step: Number(numbers[2]) };
}

async function placesNewestFirst(store: ObjectStore, sweep: SweepId, trial: TrialId): Promise<Place[]> {
  const places = await listCheckpoints(store, sweep, trial);
  const { head } = await readHead(store, sweep, trial);
  if (head !== null && places.every((place) => compareAge(place, head) !== 0)) places.push(head);
  return places.sort((a, b) => compareAge(b, a));
}

/** The checkpoint, or the reason why it can't be used. Errors of the store itself are thrown: they say nothing about it. */
async function loadVerified(
  store: ObjectStore,
  sweep: SweepId,
  trial: TrialId,
  { attempt, step }: Place,
): Promise<Omit<LoadedCheckpoint, 'manifestKey'> | string> {
  const object = await store.get(manifestKey(sweep, trial, attempt, step));
  if (object === null) return 'the head names it, but its manifest is missing';
  const parsed = CheckpointManifest.safeParse(parseJson(object.content));
  if (!parsed.success) return 'its manifest is no manifest';
  const manifest = parsed.data;
  const itself =
    manifest.sweep === sweep && manifest.trial === trial && manifest.attempt === attempt && manifest.step === step;
  if (!itself) return 'its manifest belongs to another checkpoint';
  const prefix = checkpointPrefix(sweep, trial, attempt, step);
  const files = new Map<string, Uint8Array>();
  for (const file of manifest.files) {
    if (!file.key.startsWith(prefix)) return `its manifest names ${file.key}, which lies elsewhere`;
    const stored = await store.get(file.key);
    if (stored === null) return `${file.key} is missing`;
    if (stored.content.byteLength !== file.bytes) {
      return `${file.key} has ${stored.content.byteLength} bytes instead of ${file.bytes}`;
    }
    if (sha256(stored.content) !== file.sha256) return `${file.key} has another content than its hash says`;
    files.set(file.key.slice(prefix.length), stored.content);
  }
  return { manifest, files };
}
