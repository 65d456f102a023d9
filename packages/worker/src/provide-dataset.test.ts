import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { datasetDirectory, sharedDirectory } from '@adctl/datasets';
import { AdctlError, sha256, sharedRoot } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDatasetProvider } from './provide-dataset.js';
import { SHARED_FILES, shareFakeSet } from './testing/shared-set.fixtures.js';

let folder: string;
let cacheDirectory: string;
let objects: ObjectStore;
let set: Awaited<ReturnType<typeof shareFakeSet>>;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'adctl-provide-')));
  cacheDirectory = join(folder, 'cache');
  objects = createFilesystemStore(join(folder, 'objects'));
  set = await shareFakeSet(objects);
});
afterEach(() => rm(folder, { recursive: true }));

/** Pauses are over at once. */
const clock = {
  now: () => 0,
  after(_ms: number, callback: () => void) {
    setImmediate(callback);
    return () => undefined;
  },
};

function setUp(options: { readonly store?: ObjectStore; readonly dataRoots?: readonly string[] | null } = {}) {
  const { store = objects, dataRoots = null } = options;
  const provider = createDatasetProvider({ objects: store, clock, config: { dataRoots, trainer: { cacheDirectory } } });
  const said: string[] = [];
  const asked = new AbortController();
  const say = (line: string) => said.push(line);
  return {
    said,
    asked,
    provide: (wanted: Parameters<typeof provider.provide>[0] = set.wanted) =>
      provider.provide(wanted, { signal: asked.signal, say }),
  };
}

/** The store with another way of reading. */
const reading = (read: ObjectStore['read']) => Object.assign(createFilesystemStore(join(folder, 'objects')), { read });

const inCache = () => readdir(datasetDirectory(cacheDirectory, 'shared')).catch(() => []);

describe('a data set that is only in the object store', () => {
  test('comes into the cache once, however many slots want it', async () => {
    const reads: string[] = [];
    const store = reading((key) => {
      reads.push(key);
      return objects.read(key);
    });
    const { provide, said } = setUp({ store });

    const provided = await Promise.all([provide(), provide(), provide()]);
    const again = await provide();

    expect([...provided, again].map(({ root }) => root)).toEqual(Array(4).fill(sharedRoot(set.facts.digest)));
    expect(reads.sort()).toEqual(Object.keys(SHARED_FILES).map(set.keyOf).sort());
    for (const [path, content] of Object.entries(SHARED_FILES)) {
      expect(await readFile(join(sharedDirectory(cacheDirectory, set.facts.digest), path))).toEqual(content);
    }
    expect(said).toEqual([
      'Fetches the data set mnist (0.0 MB) from the object store.',
      'The data set mnist is in the cache after 0.0 s, every file checked.',
    ]);
  });

  test('is fetched again by the next slot when the first one was interrupted', async () => {
    const first = setUp();
    first.asked.abort(new Error('the claim is lost'));

    await expect(first.provide()).rejects.toThrow('the claim is lost');
    await expect(setUp().provide()).resolves.toMatchObject({ root: sharedRoot(set.facts.digest) });
  });

  test('is asked for again as long as the store is away, also in the middle', async () => {
    let failures = 0;
    const away = new AdctlError('the store is away', { code: 'storage_unavailable', kind: 'transient' });
    const store = reading(async function* (key) {
      for await (const chunk of objects.read(key)) {
        yield chunk.subarray(0, 4);
        if (key === set.keyOf('train-images') && failures++ < 3) throw away;
        yield chunk.subarray(4);
      }
    });

    await expect(setUp({ store }).provide()).resolves.toMatchObject({ root: sharedRoot(set.facts.digest) });
    expect(failures).toBe(4);
  });

  test('is given up at once when the attempt is to end, even while the store says nothing', async () => {
    const { promise: isReading, resolve } = Promise.withResolvers<void>();
    const store = reading(async function* (key) {
      yield* objects.read(key);
      resolve();
      await new Promise(() => undefined);
    });
    const { provide, asked } = setUp({ store });
    const providing = provide();
    await isReading;

    asked.abort(new Error('drained'));

    await expect(providing).rejects.toThrow('drained');
    expect(await inCache()).toEqual([]);
  });

  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'an object that is cut short',
      () => objects.put(set.keyOf('train-labels'), Buffer.from('cont')),
      /mnist: train-labels ends after 4 of 23 bytes/,
    ],
    [
      'a missing object',
      () => objects.delete(set.keyOf('train-labels')),
      /mnist: train-labels is not in the object store/,
    ],
    ['a missing manifest', () => objects.delete(set.manifestKey), /mnist: its manifest is not in the object store/],
    [
      'a damaged manifest',
      () => objects.put(set.manifestKey, Buffer.from('{}')),
      /mnist: its manifest is not what was shared/,
    ],
  ])('%s is damage that names the command which mends it', async (_what, damage, message) => {
    await damage();

    await expect(setUp().provide()).rejects.toMatchObject({
      kind: 'user',
      code: 'shared_dataset_damaged',
      message: expect.stringMatching(message),
      hint: 'Write it anew: adctl datasets share mnist --force',
    });
    expect(await inCache()).toEqual([]);
  });

  test('of another digest than the trial was planned with is none', async () => {
    await expect(setUp().provide({ ...set.wanted, digest: sha256('planned') })).rejects.toMatchObject({
      kind: 'user',
      code: 'dataset_missing',
      message: expect.stringContaining(`mnist with digest ${sha256('planned')} is neither in the cache nor`),
      hint: expect.stringMatching(/adctl datasets fetch mnist .*adctl datasets share mnist$/),
    });
  });
});

describe('a data set in the cache', () => {
  test('whose files are others than planned is left for the trainer to name, unless the right one is shared', async () => {
    const own = datasetDirectory(cacheDirectory, 'mnist');
    await mkdir(own, { recursive: true });
    const names = ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1'];
    for (const name of names) await writeFile(join(own, `${name}-ubyte`), 'x');
    const { provide } = setUp();
    const other = { ...set.wanted, digest: sha256('planned') };

    expect(await provide(other)).toBe(other);
    expect(await provide()).toMatchObject({ root: sharedRoot(set.facts.digest) });
  });
});

describe('a shared folder of images', () => {
  test('is fetched by the digest that the sweep names', async () => {
    const images = await shareFakeSet(objects, 'folder');
    const wanted = { ...images.wanted, root: sharedRoot(images.facts.digest) };

    expect(await setUp().provide(wanted)).toEqual(wanted);
    expect(await inCache()).toEqual([images.facts.digest]);
  });

  test('that was never shared says how to', async () => {
    const wanted = { ...set.wanted, name: 'folder', root: sharedRoot(sha256('never')) };

    await expect(setUp().provide(wanted)).rejects.toMatchObject({
      code: 'dataset_missing',
      hint: expect.stringContaining('adctl datasets share folder --root DIR'),
    });
  });
});

describe('a folder that a sweep names', () => {
  const rooted = (root: string) => ({ ...set.wanted, name: 'folder', root });

  test('is anything the user can read, embedded', async () => {
    expect((await setUp({ dataRoots: null }).provide(rooted('/somewhere'))).root).toBe('/somewhere');
  });

  test('must lie below an allowed one in a cluster, whatever the controller let pass', async () => {
    const data = join(folder, 'data');
    await mkdir(join(data, 'set'), { recursive: true });
    await symlink(folder, join(data, 'link'));
    const { provide } = setUp({ dataRoots: [data] });

    expect((await provide(rooted(join(data, 'set')))).root).toBe(join(data, 'set'));
    for (const root of [
      '/etc',
      dirname(data),
      `${data}/../objects`,
      join(data, 'link'),
      join(data, 'link/objects'),
      'data',
    ]) {
      await expect(provide(rooted(root)), root).rejects.toMatchObject({ code: 'data_root_refused' });
    }
    await expect(setUp({ dataRoots: [] }).provide(rooted(join(data, 'set')))).rejects.toMatchObject({
      code: 'data_root_refused',
    });
  });
});

test('a name that is in no registry is left for the trainer to name', async () => {
  const wanted = { ...set.wanted, name: 'none' };

  expect(await setUp().provide(wanted)).toBe(wanted);
});
