import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedDirectory } from '@adctl/datasets';
import type { ObjectStore } from '@adctl/storage';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { createS3Store } from '@adctl/storage/s3';
import { startFakeS3 } from '@adctl/storage/s3/testing';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Bench, createBench, kindOf } from './testing/bench.fixtures.js';
import { SHARED_FILES, shareFakeSet } from './testing/shared-set.fixtures.js';

let bench: Bench;
let cacheDir: string;
beforeEach(() => {
  bench = createBench();
  cacheDir = join(bench.directory, 'cache-of-the-worker');
});
afterEach(() => bench.close());

async function addTrialOn(objects: ObjectStore) {
  const set = await shareFakeSet(objects);
  return { set, trial: await bench.addTrial({}, { spec: { dataset: set.wanted } }) };
}

async function expectInCache(digest: Parameters<typeof sharedDirectory>[1]) {
  for (const [path, content] of Object.entries(SHARED_FILES)) {
    expect(await readFile(join(sharedDirectory(cacheDir, digest), path))).toEqual(content);
  }
}

describe('a trial whose images are only in the object store', () => {
  test('finds them in the cache when it trains, and its log says where they came from', async () => {
    const { set, trial } = await addTrialOn(bench.objects);
    bench.startWorker({ bringsImages: true, cacheDir });

    const logged = bench.untilLogged(trial, 'Fetches the data set mnist');
    const event = await bench.nextEvent('result', trial);

    expect(event).toMatchObject({ ending: { state: 'completed' } });
    await expectInCache(set.facts.digest);
    await logged;
    expect((await bench.result(trial))?.spec.dataset).not.toHaveProperty('root'); // what was planned, not where it lay
  });

  test('fails as data when they are damaged there', async () => {
    const { set, trial } = await addTrialOn(bench.objects);
    await bench.objects.delete(set.keyOf('train-images'));
    bench.startWorker({ bringsImages: true, cacheDir });

    const record = await bench.attemptRecord(await bench.nextEvent('attempt', trial));

    expect(kindOf(record)).toEqual(['data', 'shared_dataset_damaged']);
    expect(record.failure.hint).toContain('adctl datasets share mnist --force');
  });

  test('goes back to the queue at once when its worker is drained while they come', async () => {
    const { promise: isReading, resolve } = Promise.withResolvers<void>();
    const stuck = Object.assign(createFilesystemStore(join(bench.directory, 'objects')), {
      async *read() {
        resolve();
        yield await new Promise<never>(() => undefined);
      },
    });
    const { trial } = await addTrialOn(bench.objects);
    const { worker, ended } = bench.startWorker({ bringsImages: true, cacheDir, objects: stuck });
    await isReading;

    worker.drain();

    expect(await bench.nextEvent('release', trial)).toMatchObject({ reason: 'drained' });
    expect(await ended).toBe(0);
  });

  test('on S3 they come through interruptions and are whole', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'x');
    const fake = await startFakeS3({ buckets: ['adctl'] });
    const store = createS3Store({ bucket: 'adctl', endpoint: fake.endpoint, retry: { firstDelayMs: 1 } });
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      store.close();
      await fake.close();
    });
    const { set, trial } = await addTrialOn(store);
    for (const key of await bench.objectKeys()) await store.put(key, (await bench.objects.get(key))!.content);
    let refused = 0;
    fake.setFaults(({ method, key }) => {
      if (method !== 'GET' || key !== set.keyOf('test-images')) return null;
      refused += 1;
      return refused === 1 ? { kind: 'cut', afterBytes: 3 } : refused < 5 ? { kind: 'refuse', code: 'SlowDown' } : null;
    });
    bench.startWorker({ bringsImages: true, cacheDir, objects: store });

    const event = await bench.nextEvent('result', trial);

    expect(event).toMatchObject({ ending: { state: 'completed' } });
    expect(refused).toBeGreaterThanOrEqual(5);
    await expectInCache(set.facts.digest);
  });
});
