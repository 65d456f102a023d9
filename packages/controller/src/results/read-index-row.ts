import { type IndexRow, resultKey, type TrialResult } from '@adctl/protocol';
import { type ObjectStore, readResult } from '@adctl/storage';
import { toIndexRow } from './index-row.js';

/** The row of one result, with what the trial's earlier generations came to; null when there is no such result. */
export async function readIndexRow(objects: ObjectStore, key: string): Promise<IndexRow | null> {
  const result = await readResult(objects, key);
  if (result === null) return null;
  const { sweep, trial, index } = result.spec;
  const earlier: TrialResult[] = [];
  for (let generation = 0; generation < result.generation; generation++) {
    const before = await readResult(objects, resultKey(sweep, trial, index, generation));
    if (before !== null) earlier.push(before);
  }
  return toIndexRow(result, key, earlier);
}
