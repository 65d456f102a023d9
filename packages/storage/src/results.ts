import { resultKey, TrialResult, toCanonicalJson } from '@adctl/protocol';
import { parseJson } from './checkpoints.js';
import { resultUnreadable } from './errors.js';
import type { ObjectStore } from './object-store.js';

/**
 * Writes a trial's final result unless it has one: the first complete result of a generation wins, whoever wrote it, and
 * everybody else adopts it.
 * @returns the result in force and its key; `adopted` when it is another one than ours (a lost answer to our own put is not).
 * @throws AdctlError permanent `result_unreadable` when what is there is no result; whatever the store throws.
 */
export async function writeResultOnce(
  store: ObjectStore,
  ours: TrialResult,
): Promise<{ readonly key: string; readonly result: TrialResult; readonly adopted: boolean }> {
  const { sweep, trial, index } = ours.spec;
  const key = resultKey(sweep, trial, index, ours.generation);
  const text = toCanonicalJson(TrialResult.parse(ours));
  // Ends: a result is never deleted, so one that was in the way can be read.
  while (true) {
    const outcome = await store.put(key, Buffer.from(text), { ifAbsent: true, contentType: 'application/json' });
    if (outcome.written) return { key, result: ours, adopted: false };
    const result = await readResult(store, key);
    if (result !== null) return { key, result, adopted: toCanonicalJson(result) !== text };
  }
}

/**
 * Reads a result.
 * @returns null when there is none.
 * @throws AdctlError permanent `result_unreadable`.
 */
export async function readResult(store: ObjectStore, key: string): Promise<TrialResult | null> {
  const object = await store.get(key);
  if (object === null) return null;
  const parsed = TrialResult.safeParse(parseJson(object.content));
  if (!parsed.success) throw resultUnreadable(key, parsed.error);
  return parsed.data;
}
