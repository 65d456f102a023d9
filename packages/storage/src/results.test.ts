import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationId, resultKey, sha256, TrialResult } from '@adctl/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFaultyStore, sweep, trial } from './checkpoints.fixtures.js';
import { createFilesystemStore } from './filesystem/index.js';
import type { ObjectStore } from './object-store.js';
import { readResult, writeResultOnce } from './results.js';

let root: string;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'adctl-results-'));
  store = createFilesystemStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const aResult = (attempt: number, generation = 0): TrialResult =>
  TrialResult.parse({
    version: 1,
    spec: {
      version: 1,
      sweep,
      trial,
      index: 1,
      phase: 'search',
      method: 'ocgan',
      hyperparameters: { learningRate: 0.001 },
      configuration: ConfigurationId.parse('c-000000000000'),
      dataset: {
        name: 'mnist',
        protocol: 'one-class',
        normal: '8',
        splitSeed: 1,
        selectionFraction: 0.1,
        calibrationFraction: 0.1,
        digest: sha256('mnist'),
        input: { height: 28, width: 28, channels: 1 },
      },
      seed: 1,
      checkpointRule: { rule: 'last' },
      timeoutMs: 1000,
      codeVersion: sha256('code'),
      identity: sha256('identity'),
    },
    attempt,
    generation,
    ending: { state: 'completed' },
    failures: [],
    selection: { auroc: 0.5 + attempt / 100, loss: 1 },
    endedAt: '2026-01-01T00:00:00Z',
    artifacts: {},
  });
const key = resultKey(sweep, trial, 1);

it('writes the first result under the trial’s key', async () => {
  expect(await writeResultOnce(store, aResult(1))).toEqual({ key, result: aResult(1), adopted: false });
  expect(await readResult(store, key)).toEqual(aResult(1));
});

it('adopts the result that was first', async () => {
  await writeResultOnce(store, aResult(1));

  expect(await writeResultOnce(store, aResult(2))).toEqual({ key, result: aResult(1), adopted: true });
  expect(await readResult(store, key)).toEqual(aResult(1));
});

it('lets one of 20 racing writers win, and all agree on it', async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, index) => writeResultOnce(store, aResult(index + 1))),
  );

  expect(outcomes.filter(({ adopted }) => !adopted)).toHaveLength(1);
  expect(new Set(outcomes.map(({ result }) => result.attempt)).size).toBe(1);
});

it('knows its own result again after a lost answer', async () => {
  const lost = createFaultyStore(store, 1, 'after', new Error('the answer was lost'));
  await expect(writeResultOnce(lost.store, aResult(1))).rejects.toThrow('the answer was lost');

  expect(await writeResultOnce(store, aResult(1))).toMatchObject({ adopted: false });
});

it('keeps a person’s retry apart from the generation before', async () => {
  await writeResultOnce(store, aResult(1));

  expect(await writeResultOnce(store, aResult(2, 1))).toMatchObject({
    key: resultKey(sweep, trial, 1, 1),
    adopted: false,
  });
});

it('says which object is no result', async () => {
  await store.put(key, Buffer.from('{"version":1'));

  const unreadable = { code: 'result_unreadable', kind: 'permanent', details: { key } };
  await expect(writeResultOnce(store, aResult(1))).rejects.toMatchObject(unreadable);
  await expect(readResult(store, key)).rejects.toMatchObject(unreadable);
});

it('answers null where no result is', async () => {
  expect(await readResult(store, key)).toBeNull();
});
