import { setImmediate as settle } from 'node:timers/promises';
import { createManualClock } from '@adctl/messaging/contracts';
import {
  backboneKey,
  type GcProgress,
  headKey,
  type Lease,
  sha256,
  sharedDatasetKey,
  sharedFileKey,
  type TrialSummary,
  trialCheckpointsPrefix,
  WorkerId,
} from '@adctl/protocol';
import { commitCheckpoint, loadNewestCheckpoint } from '@adctl/storage';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startScriptedWorker } from '../testing/scripted-worker.fixtures.js';
import {
  ended,
  startDeployment,
  sweepFile,
  type TestDeployment,
  temporaryDirectory,
} from '../testing/test-deployment.fixtures.js';
import { GarbageCollection } from './collect-garbage.js';

const DAY = 86_400_000;
let folder: ReturnType<typeof temporaryDirectory>;
let deployment: TestDeployment;
let stop: AbortController;

beforeEach(async () => {
  folder = temporaryDirectory();
  stop = new AbortController();
  deployment = await startDeployment({ directory: folder.directory });
});
afterEach(async () => {
  stop.abort();
  await deployment.close();
  folder.remove();
});

/** A collection as it would be some days from now. */
async function collect(days: number, dryRun: boolean): Promise<GcProgress> {
  const clock = createManualClock(Date.now() + days * DAY);
  const gc = new GarbageCollection({ ...deployment.controller.context, clock });
  gc.start(dryRun);
  while (gc.progress().state === 'running') await settle();
  return gc.progress();
}

test('clears away what the plan says, manifest first, and what is left can be continued', async () => {
  await startScriptedWorker({ ...deployment, signal: stop.signal });
  const { sweep } = await deployment.submit(sweepFile({ learningRates: [0.1, 0.2], normal: [8] }));
  await deployment.until(sweep, ended);
  const { objects, messaging } = deployment;
  const [first, second] = await deployment.request<TrialSummary[]>('trials.list', { sweep });
  const commit = (trial: TrialSummary['trial'], attempt: number, step: number) =>
    commitCheckpoint(objects, {
      sweep,
      trial,
      attempt,
      epoch: step,
      step,
      threads: 1,
      files: [{ name: 'weights', content: Buffer.from(`${attempt} ${step}`) }],
    });
  for (const step of [1, 2, 3, 4]) await commit(first!.trial, 1, step);
  for (const step of [1, 2, 3]) await commit(second!.trial, 5, step);
  await objects.put(`${trialCheckpointsPrefix(sweep, first!.trial)}a1/s9/half`, Buffer.from('x'));
  const lease: Lease = { version: 1, attempt: 5, worker: WorkerId.parse('w-b'), renewedAt: new Date().toISOString() };
  await messaging.state.bucket('lease').put(`${sweep}.${second!.trial}`, lease);
  const keys = async () => {
    const all: string[] = [];
    for await (const { key } of objects.list(`v1/ckpt/${sweep}/`)) all.push(key);
    return all;
  };
  const before = await keys();

  expect(await collect(0.5, false)).toMatchObject({ state: 'done', deleted: {}, kept: { young: 5, held: 3 } });
  const dry = await collect(2, true);
  expect(dry).toMatchObject({ deleted: { superseded: 2, unfinished: 1 }, kept: { last: 2, held: 3 } });
  expect(dry.prefixes).toHaveLength(3);
  expect(await keys()).toEqual(before);

  const deleted: string[] = [];
  const { delete: remove } = objects;
  objects.delete = (key) => {
    deleted.push(key.slice(key.lastIndexOf('/') + 1));
    return remove.call(objects, key);
  };
  expect(await collect(2, false)).toMatchObject({ deleted: dry.deleted, bytes: dry.bytes });
  expect(deleted).toEqual(['MANIFEST.json', 'weights', 'MANIFEST.json', 'weights', 'half']);
  expect((await loadNewestCheckpoint(objects, sweep, first!.trial)).checkpoint?.manifest.step).toBe(4);
  expect(await collect(2, false)).toMatchObject({ deleted: {} });

  // A week after the sweep's end only its best trials keep any; both are among the ten best here.
  expect(await collect(9, false)).toMatchObject({ deleted: {}, kept: { top: 2, held: 3 } });
  expect(await objects.head(headKey(sweep, first!.trial))).not.toBeNull();
});

test('leaves what is shared: data sets and weights of sweeps that are still to come', async () => {
  await startScriptedWorker({ ...deployment, signal: stop.signal });
  const { sweep } = await deployment.submit(sweepFile({ learningRates: [0.1], normal: [8] }));
  await deployment.until(sweep, ended);
  const digest = sha256('mnist');
  const keys = [sharedDatasetKey('mnist', digest), sharedFileKey(digest), backboneKey(digest)];
  for (const key of keys) await deployment.objects.put(key, Buffer.from('x'));

  expect(await collect(1_000, false)).toMatchObject({ state: 'done', deleted: {} });

  expect(await Promise.all(keys.map((key) => deployment.objects.head(key)))).not.toContain(null);
});
