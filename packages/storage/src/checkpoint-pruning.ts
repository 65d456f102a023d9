import { checkpointPrefix, manifestKey, type SweepId, type TrialId, trialCheckpointsPrefix } from '@adctl/protocol';
import { listCheckpoints, placeOf } from './checkpoint-loading.js';
import { compareAge, readHead } from './checkpoints.js';
import type { ObjectStore } from './object-store.js';

export interface PruneOptions {
  readonly sweep: SweepId;
  readonly trial: TrialId;
  /** The claim on whose behalf this happens; files of this and later attempts that have no manifest yet are being written. */
  readonly attempt: number;
  /** How many of the newest committed checkpoints stay. Default 2. */
  readonly keepLast?: number;
}

/**
 * Deletes a trial's checkpoints but the newest and the head's. The weights that the checkpoint rule has chosen so far are part of
 * every checkpoint, so none has to stay for them. Of each the manifest goes first, so that a crash
 * leaves files nobody looks at, which the next pruning takes: files of earlier attempts without a manifest are deleted too.
 * @returns the deleted prefixes, in key order.
 */
export async function pruneCheckpoints(store: ObjectStore, options: PruneOptions): Promise<readonly string[]> {
  const { sweep, trial, attempt, keepLast = 2 } = options;
  const committed = (await listCheckpoints(store, sweep, trial)).sort((a, b) => compareAge(b, a));
  const { head } = await readHead(store, sweep, trial);
  const kept = [...committed.slice(0, keepLast), ...(head ? [head] : [])];
  const keptPrefixes = new Set(kept.map((place) => checkpointPrefix(sweep, trial, place.attempt, place.step)));
  const committedPrefixes = new Set(
    committed.map((place) => checkpointPrefix(sweep, trial, place.attempt, place.step)),
  );

  const doomed = new Map<string, { readonly manifest: string; readonly files: string[] }>();
  for await (const { key } of store.list(trialCheckpointsPrefix(sweep, trial))) {
    const place = placeOf(sweep, trial, key);
    if (place === null) continue;
    const prefix = checkpointPrefix(sweep, trial, place.attempt, place.step);
    const underWay = !committedPrefixes.has(prefix) && place.attempt >= attempt;
    if (keptPrefixes.has(prefix) || underWay) continue;
    const entry = doomed.get(prefix) ?? { manifest: manifestKey(sweep, trial, place.attempt, place.step), files: [] };
    doomed.set(prefix, entry);
    if (key !== entry.manifest) entry.files.push(key);
  }
  for (const { manifest, files } of doomed.values()) {
    await store.delete(manifest);
    for (const file of files) await store.delete(file);
  }
  return [...doomed.keys()].sort();
}
