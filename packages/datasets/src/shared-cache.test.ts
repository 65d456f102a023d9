import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AdctlError, type Sha256, type SharedManifest, sha256 } from '@adctl/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { hasShared, type ReceiveOptions, receiveShared, sharedDirectory } from './shared-cache.js';
import { temporaryFolders } from './testing/temporary-folder.fixtures.js';

const makeFolder = temporaryFolders();

const FILES = Object.fromEntries(
  ['good/1.png', 'good/2.png', 'crack/1.png', 'labels'].map((path) => [path, Buffer.from(`content of ${path}`)]),
);
const manifest: Pick<SharedManifest, 'files'> = {
  files: Object.entries(FILES).map(([path, content]) => ({ path, bytes: content.length, sha256: sha256(content) })),
};
const shared = { name: 'folder', kind: 'folder', digest: sha256('the set') } as const;

let cacheDir: string;
beforeEach(async () => {
  cacheDir = await makeFolder();
});

const contentOf = (wanted: Sha256) =>
  Object.values(FILES).find((content) => sha256(content) === wanted) ?? Buffer.alloc(0);

/** In chunks of five bytes. */
async function* inChunks(content: Uint8Array) {
  for (let start = 0; start < content.length; start += 5) yield content.subarray(start, start + 5);
}

const receive = (changes: Partial<ReceiveOptions> = {}) =>
  receiveShared(shared, manifest, {
    cacheDir,
    read: (file) => inChunks(contentOf(file)),
    repeat: (step) => step(),
    now: Date.now,
    onProgress: () => undefined,
    ...changes,
  });

/** Everything in the folder of shared data sets, staging included. */
const left = () => readdir(dirname(sharedDirectory(cacheDir, shared.digest)));

describe('receiveShared', () => {
  it('writes every file and tells how far it is', async () => {
    const told: number[] = [];
    await receive({ onProgress: (bytes) => told.push(bytes) });

    expect(await hasShared(cacheDir, shared.digest)).toBe(true);
    for (const [path, content] of Object.entries(FILES)) {
      expect(await readFile(join(sharedDirectory(cacheDir, shared.digest), path))).toEqual(content);
    }
    expect(told.at(-1)).toBe(manifest.files.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(await left()).toEqual([shared.digest]);
  });

  it('may run several times at once; all end well and one copy stays', async () => {
    await Promise.all([receive(), receive(), receive()]);

    expect(await left()).toEqual([shared.digest]);
  });

  it.each([
    ['is cut short', (content: Buffer) => content.subarray(0, 7), /1\.png ends after 7 of 21 bytes/],
    ['is longer', (content: Buffer) => Buffer.concat([content, content]), /1\.png is longer than its 21 bytes/],
    ['has other bytes', (content: Buffer) => Buffer.alloc(content.length), /1\.png has sha256 [0-9a-f]{64}, not/],
  ])('a file that %s leaves nothing behind and says what mends it', async (_what, damage, message) => {
    const broken = receive({
      read: (file) => {
        const content = contentOf(file);
        return inChunks(content === FILES['good/1.png'] ? damage(content) : content);
      },
    });

    await expect(broken).rejects.toMatchObject({
      kind: 'user',
      code: 'shared_dataset_damaged',
      message: expect.stringMatching(message),
      hint: 'Write it anew: adctl datasets share folder --root DIR --force',
    });
    expect(await hasShared(cacheDir, shared.digest)).toBe(false);
    expect(await left()).toEqual([]);
  });

  it('reads a file again that broke off for a passing reason, and only that one', async () => {
    const reads = new Map<Sha256, number>();
    const away = new AdctlError('the store is away', { code: 'storage_unavailable', kind: 'transient' });
    await receive({
      async *read(file) {
        reads.set(file, (reads.get(file) ?? 0) + 1);
        yield contentOf(file).subarray(0, 3);
        if (file === sha256(FILES.labels!) && reads.get(file) === 1) throw away;
        yield contentOf(file).subarray(3);
      },
      repeat: (step) => step().catch(step),
    });

    expect(await readFile(join(sharedDirectory(cacheDir, shared.digest), 'labels'))).toEqual(FILES.labels);
    expect([...reads.values()].sort()).toEqual([1, 1, 1, 2]);
  });

  it('removes what a receiver left that was killed long ago, and nothing younger', async () => {
    const folder = dirname(sharedDirectory(cacheDir, shared.digest));
    for (const name of ['.staging-old', '.staging-new']) {
      await mkdir(join(folder, name), { recursive: true });
      await writeFile(join(folder, name, 'half'), 'x');
    }
    await utimes(join(folder, '.staging-old'), 0, 0);
    await utimes(join(folder, '.staging-new'), 86_400, 86_400);

    await receive({ now: () => 1.5 * 86_400_000 });

    expect((await left()).sort()).toEqual(['.staging-new', shared.digest]);
  });
});
