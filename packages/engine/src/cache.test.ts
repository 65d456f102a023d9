import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  describeFile,
  type EngineManifest,
  engineDirectory,
  MANIFEST_FILE,
  readManifest,
  verifyFiles,
} from './cache.js';
import { readEngineStatus } from './engine-status.js';

let directory: string;
let manifest: EngineManifest;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'adctl-cache-'));
  await writeFile(join(directory, 'library.so'), 'abcd');
  manifest = {
    recipe: 2,
    tensorflowVersion: '2.21.0',
    addonVersion: '4.22.0',
    flavour: 'cpu',
    platform: 'linux-x64',
    source: { kind: 'folder', path: '/opt/tensorflow' },
    compiler: 'g++',
    builtAt: '2026-01-01T00:00:00.000Z',
    files: [await describeFile(directory, 'library.so')],
  };
});

afterEach(() => rm(directory, { recursive: true }));

describe('verifyFiles', () => {
  test('finds nothing wrong with a whole build', async () => {
    expect(await verifyFiles(directory, manifest, 'digests')).toEqual([]);
  });

  test('names a file that was changed without changing its size', async () => {
    await writeFile(join(directory, 'library.so'), 'abcx');

    expect(await verifyFiles(directory, manifest, 'sizes')).toEqual([]);
    expect(await verifyFiles(directory, manifest, 'digests')).toEqual([
      { path: 'library.so', reason: expect.stringContaining('sha256') },
    ]);
  });

  test('names a file that was cut off, or is gone, by its size alone', async () => {
    await writeFile(join(directory, 'library.so'), 'abc');
    expect((await verifyFiles(directory, manifest, 'sizes'))[0]?.reason).toBe('holds 3 bytes instead of 4');

    await rm(join(directory, 'library.so'));
    expect((await verifyFiles(directory, manifest, 'sizes'))[0]?.reason).toBe('is missing');
  });
});

describe('readManifest', () => {
  const write = (text: string) => writeFile(join(directory, MANIFEST_FILE), text);

  test('gives back what was written', async () => {
    await write(JSON.stringify(manifest));

    expect(await readManifest(directory)).toEqual(manifest);
  });

  test.each([
    ['half a file', '{"recipe": 2, "tens'],
    ['another shape', '{"recipe": 2}'],
  ])('takes %s for an unfinished build', async (_, text) => {
    await write(text);

    expect(await readManifest(directory)).toBeUndefined();
  });

  test('does not accept a build made by another recipe', async () => {
    await write(JSON.stringify({ ...manifest, recipe: 0 }));

    expect(await readManifest(directory)).toBeUndefined();
  });
});

test('readEngineStatus says where an engine would be when there is none', async () => {
  const status = await readEngineStatus(directory, 'gpu');

  expect(status).toEqual({ flavour: 'gpu', path: engineDirectory(directory, 'gpu'), state: 'missing', problems: [] });
});
