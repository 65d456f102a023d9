import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, SharedDataset, SharedManifest, sha256, sharedDatasetKey, sharedFileKey } from '@adctl/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFilesystemStore } from './filesystem/index.js';
import type { ObjectStore } from './object-store.js';
import { useCredentials, withS3 } from './s3/s3.fixtures.js';
import { listSharedDatasets, readSharedDataset, readSharedManifest, shareDataset } from './shared-datasets.js';

useCredentials();

const CONTENTS = Object.fromEntries(
  ['train-images', 'train-labels'].map((path) => [path, Buffer.from(`content of ${path}`)]),
);

function packed(name: string, changes: Partial<SharedDataset> = {}) {
  const manifest = SharedManifest.parse({
    version: 1,
    files: Object.entries(CONTENTS).map(([path, content]) => ({
      path,
      bytes: content.length,
      sha256: sha256(content),
    })),
    basis: { reader: 'idx/1' },
  });
  const facts = SharedDataset.parse({
    ...{ version: 1, name, kind: 'files', digest: sha256(name), reader: 'idx/1', classes: ['a', 'b'] },
    ...{ shape: { height: 1, width: 1, channels: 1 }, counts: { train: 2, test: 1 }, files: 2, bytes: 48 },
    manifest: digestOf(manifest),
    ...changes,
  });
  return { facts, manifest };
}

const read = async ({ path }: { readonly path: string }) => CONTENTS[path]!;

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('v1/')) keys.push(key);
  return keys;
}

let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adctl-shared-'));
  store = createFilesystemStore(folder);
});
afterEach(() => rm(folder, { recursive: true }));

describe('shared data sets', () => {
  it('are found by name and digest, with all their files, and written once', async () => {
    const set = packed('tiny');
    const written: string[] = [];
    const counting = {
      read(file: { readonly path: string }) {
        written.push(file.path);
        return read(file);
      },
    };

    const first = await shareDataset(store, set, counting);
    const again = await shareDataset(store, set, counting);

    expect(first).toEqual({ key: sharedDatasetKey('tiny', set.facts.digest), alreadyThere: false });
    expect(again).toEqual({ ...first, alreadyThere: true });
    expect(written.sort()).toEqual(['train-images', 'train-labels']);
    expect(await readSharedDataset(store, 'tiny', set.facts.digest)).toEqual(set.facts);
    expect(await readSharedManifest(store, set.facts)).toEqual(set.manifest);
    const [file] = set.manifest.files;
    expect(Buffer.from((await store.get(sharedFileKey(file!.sha256)))!.content)).toEqual(CONTENTS[file!.path]);
  });

  it('are there only when everything else is', async () => {
    const set = packed('tiny');
    let seen: unknown = 'not read';
    const interrupted = shareDataset(store, set, {
      async read(file) {
        seen = await readSharedDataset(store, 'tiny', set.facts.digest);
        if (file.path === 'train-labels') throw new Error('the machine went away');
        return read(file);
      },
    });

    await expect(interrupted).rejects.toThrow('the machine went away');
    expect(seen).toBeNull();
    expect(await listSharedDatasets(store)).toEqual([]);
    await shareDataset(store, set, { read });
    expect(await listSharedDatasets(store)).toEqual([set.facts]);
  });

  it('of one content lie there once, whatever their names', async () => {
    await shareDataset(store, packed('one'), { read });
    const before = await keysOf(store);
    await shareDataset(store, packed('two'), { read: () => Promise.reject(new Error('nothing is to be written')) });

    expect((await keysOf(store)).length).toBe(before.length + 1);
    expect((await listSharedDatasets(store, 'two')).map(({ name }) => name)).toEqual(['two']);
  });

  it('are mended: a file of another size always, one of the same size when asked to', async () => {
    const set = packed('tiny');
    await shareDataset(store, set, { read });
    const [short, altered] = set.manifest.files.map(({ sha256: content }) => sharedFileKey(content));
    await store.put(short!, Buffer.from('sho'));
    await store.put(altered!, Buffer.alloc(set.manifest.files[1]!.bytes));
    const isWhole = async (key: string) => key.endsWith(sha256((await store.get(key))!.content));

    await shareDataset(store, set, { read });
    expect([await isWhole(short!), await isWhole(altered!)]).toEqual([true, false]);
    await shareDataset(store, set, { read, force: true });
    expect([await isWhole(short!), await isWhole(altered!)]).toEqual([true, true]);
  });

  it('of a later version, or under a key that is not theirs, are left out', async () => {
    const { facts } = packed('tiny');
    await store.put(sharedDatasetKey('tiny', sha256('later')), Buffer.from('{"version":2}'));
    await store.put(sharedDatasetKey('tiny', sha256('broken')), Buffer.from('{'));
    await store.put(sharedDatasetKey('other', facts.digest), Buffer.from(JSON.stringify(facts)));

    expect(await listSharedDatasets(store)).toEqual([]);
    expect(await readSharedDataset(store, 'other', facts.digest)).toBeNull();
  });

  it('have no files when their manifest is damaged or gone', async () => {
    const { facts } = packed('tiny');

    await expect(readSharedManifest(store, facts)).rejects.toMatchObject({ code: 'object_missing' });
    await store.put(sharedFileKey(facts.manifest), Buffer.from('{}'));
    expect(await readSharedManifest(store, facts)).toBeNull();
  });

  it('of one name come newest first, also from S3', () =>
    withS3(async ({ store: s3 }) => {
      const sets = ['old', 'new'].map((word) => packed('tiny', { digest: sha256(word) }));
      for (const set of sets) await shareDataset(s3, set, { read });
      const listed = await listSharedDatasets(
        {
          get: (key) => s3.get(key),
          // Stores tell whole seconds; these were written within one.
          async *list(prefix) {
            for await (const info of s3.list(prefix)) {
              yield { ...info, modifiedAt: new Date(info.key.includes(sha256('new')) ? 2_000 : 1_000) };
            }
          },
        },
        'tiny',
      );

      expect(listed.map(({ digest }) => digest)).toEqual([sha256('new'), sha256('old')]);
      expect(await readSharedManifest(s3, listed[0]!)).toEqual(sets[1]?.manifest);
    }));
});
