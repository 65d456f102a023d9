import { type IndexRow, resultKey } from '@adctl/protocol';
import { type ObjectStore, readResult } from '@adctl/storage';
import { isUnreadable } from '../failure-scope.js';
import { type EarlierGeneration, toIndexRow } from './index-row.js';

/**
 * The row of one result, with what the trial's earlier generations came to; null when there is no such result. A generation
 * that was retried and left no result that can be read had failed: nothing else ends without one.
 */
export async function readIndexRow(objects: ObjectStore, key: string): Promise<IndexRow | null> {
  const result = await readResult(objects, key);
  if (result === null) return null;
  const { sweep, trial, index } = result.spec;
  const failed: EarlierGeneration = { ending: { state: 'failed' }, failures: [], endedAt: result.endedAt };
  const earlier: EarlierGeneration[] = [];
  for (let generation = 0; generation < result.generation; generation++) {
    const before = await readEarlier(objects, resultKey(sweep, trial, index, generation));
    earlier.push(before ?? failed);
  }
  return toIndexRow(result, key, earlier);
}

async function readEarlier(objects: ObjectStore, key: string): Promise<EarlierGeneration | null> {
  try {
    return await readResult(objects, key);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return null;
  }
}
