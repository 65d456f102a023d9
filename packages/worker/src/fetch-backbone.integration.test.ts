import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { weightsPath } from '@adctl/datasets';
import { backboneKey, sha256 } from '@adctl/protocol';
import { createS3Store } from '@adctl/storage/s3';
import { type FakeS3, startFakeS3 } from '@adctl/storage/s3/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Bench, createBench, kindOf } from './testing/bench.fixtures.js';

const WEIGHTS = Buffer.from('weights of a backbone');
const DIGEST = sha256(WEIGHTS);

/** The trial of a method that looks through pretrained weights; its training is the bench's, which needs none. */
const NAMING = { spec: { method: 'mkd', hyperparameters: { teacher: 'vgg16', weights: DIGEST } } };

let bench: Bench;
let cacheDir: string;
beforeEach(() => {
  bench = createBench();
  cacheDir = join(bench.directory, 'cache-of-the-worker');
});
afterEach(() => bench.close());

describe('a trial that names backbone weights', () => {
  test('finds them in the object store, and the worker keeps them', async () => {
    await bench.objects.put(backboneKey(DIGEST), WEIGHTS);
    const trial = await bench.addTrial({}, NAMING);
    bench.startWorker({ cacheDir });

    const event = await bench.nextEvent('result', trial);

    expect(event).toMatchObject({ ending: { state: 'completed' } });
    expect(await readFile(weightsPath(cacheDir, DIGEST))).toEqual(WEIGHTS);
  });

  test('ends with the command that brings them where neither cache nor store has them', async () => {
    const trial = await bench.addTrial({}, NAMING);
    bench.startWorker({ cacheDir });

    const record = await bench.attemptRecord(await bench.nextEvent('attempt', trial));

    expect(kindOf(record)).toEqual(['user', 'backbone_missing']);
    expect(record.failure.hint).toContain('adctl backbones import FILE_OR_URI, with --share');
  });

  test('does not take other bytes for them', async () => {
    await bench.objects.put(backboneKey(DIGEST), Buffer.from('something else'));
    const trial = await bench.addTrial({}, NAMING);
    bench.startWorker({ cacheDir });

    const record = await bench.attemptRecord(await bench.nextEvent('attempt', trial));

    expect(kindOf(record)).toEqual(['user', 'backbone_damaged']);
  });
});

describe('on S3', () => {
  let fake: FakeS3;
  beforeEach(async () => {
    fake = await startFakeS3({ buckets: ['adctl'] });
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await fake.close();
  });

  test('they come through interruptions and are whole', async () => {
    const credentials = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
    for (const [name, value] of Object.entries(credentials)) vi.stubEnv(name, value);
    const store = createS3Store({ bucket: 'adctl', endpoint: fake.endpoint, retry: { firstDelayMs: 1 } });
    const trial = await bench.addTrial({}, NAMING);
    for (const key of await bench.objectKeys()) await store.put(key, (await bench.objects.get(key))!.content);
    await store.put(backboneKey(DIGEST), WEIGHTS);
    let cut = 0;
    fake.setFaults(({ method, key }) =>
      method === 'GET' && key === backboneKey(DIGEST) && cut++ === 0 ? { kind: 'cut', afterBytes: 3 } : null,
    );
    bench.startWorker({ cacheDir, objects: store });

    const event = await bench.nextEvent('result', trial);

    expect(event).toMatchObject({ ending: { state: 'completed' } });
    expect(cut).toBeGreaterThan(1);
    expect(await readFile(weightsPath(cacheDir, DIGEST))).toEqual(WEIGHTS);
    store.close();
  });
});
