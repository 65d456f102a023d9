import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '@adctl/protocol';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { temporaryFolders } from '../testing/temporary-folder.fixtures.js';
import { makeTextures } from './make-textures.js';
import { planTextures } from './plan-textures.js';

const makeFolder = temporaryFolders();
const OPTIONS = { seed: 7, size: 32, train: 3, test: 2, defective: 7, families: ['mesh', 'wood'] };

/** Every file below a folder with the digest of its bytes. */
async function contentsOf(root: string): Promise<Record<string, string>> {
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const entries = files.sort().map(async (file) => [file.slice(root.length + 1), sha256(await readFile(file))]);
  return Object.fromEntries(await Promise.all(entries));
}

describe('planTextures', () => {
  it('lays a set out as MVTec AD does, defects in turn', () => {
    const paths = planTextures(OPTIONS).flatMap(({ path, maskPath }) => (maskPath ? [path, maskPath] : [path]));
    const mesh = paths.filter((path) => path.startsWith('mesh/'));

    expect(mesh.filter((path) => path.startsWith('mesh/train/good/'))).toHaveLength(3);
    expect(mesh.filter((path) => path.startsWith('mesh/test/good/'))).toHaveLength(2);
    expect(mesh.filter((path) => path.startsWith('mesh/test/scratch/'))).toHaveLength(2);
    expect(
      mesh.filter((path) => /^mesh\/test\/(hole|stain|misprint|foreign-body|missing-part)\//.test(path)),
    ).toHaveLength(5);
    expect(mesh).toContain('mesh/ground_truth/scratch/001_mask.png');
    expect(new Set(paths).size).toBe(paths.length);
  });

  it('begins a larger set with the images of a smaller one', () => {
    const small = planTextures(OPTIONS).map(({ path }) => path);
    const large = planTextures({ ...OPTIONS, train: 5, defective: 12 }).map(({ path }) => path);

    expect(large).toEqual(expect.arrayContaining(small));
  });

  it.each([
    [{ size: 31 }, /size is 31; expected a whole number from 32 to 1024/],
    [{ train: 2.5 }, /train is 2.5/],
    [{ seed: -1 }, /seed is -1/],
    [{ defective: 0 }, /defective is 0/],
    [{ families: ['mesh', 'silk'] }, /families is silk; expected some of mesh, weave/],
    [{ families: [] }, /families is empty/],
  ])('refuses %o', (change, message) => {
    expect(() => planTextures({ ...OPTIONS, ...change })).toThrowError(
      expect.objectContaining({ kind: 'user', code: 'bad_texture_option', message: expect.stringMatching(message) }),
    );
  });
});

describe('makeTextures', () => {
  it('writes the same bytes again for the same options, and tells what it did', async () => {
    const folder = await makeFolder();
    const progress: number[] = [];
    const first = await makeTextures({
      ...OPTIONS,
      out: join(folder, 'a', 'b'),
      onProgress: ({ done, total }) => progress.push(done / total),
    });
    const second = await makeTextures({ ...OPTIONS, out: join(folder, 'c') });

    expect(first).toEqual({ directory: join(folder, 'a', 'b'), families: ['mesh', 'wood'], images: 24, masks: 14 });
    expect(await contentsOf(first.directory)).toEqual(await contentsOf(second.directory));
    expect(Object.keys(await contentsOf(first.directory))).toHaveLength(24 + 14 + 1);
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(await readdir(folder)).toEqual(['a', 'c']);
  });

  it('writes grey and colour images of the size, and masks of 0 and 255', async () => {
    const { directory } = await makeTextures({ ...OPTIONS, out: join(await makeFolder(), 'set') });
    const facts = async (path: string) => {
      const { width, height, channels, depth } = await sharp(join(directory, path)).metadata();
      return { width, height, channels, depth };
    };
    const side = { width: 32, height: 32, depth: 'uchar' };

    expect(await facts('mesh/train/good/000.png')).toEqual({ ...side, channels: 1 });
    expect(await facts('wood/test/hole/000.png')).toEqual({ ...side, channels: 3 });
    expect(await facts('wood/ground_truth/hole/000_mask.png')).toEqual({ ...side, channels: 1 });
  });

  it('fills an empty folder, and leaves one alone that holds something', async () => {
    const folder = await makeFolder();
    await mkdir(join(folder, 'empty'));
    await mkdir(join(folder, 'full'));
    await writeFile(join(folder, 'full', 'mine'), '');

    await makeTextures({ ...OPTIONS, families: ['mesh'], out: join(folder, 'empty') });
    await expect(makeTextures({ ...OPTIONS, out: join(folder, 'full') })).rejects.toMatchObject({
      code: 'output_not_empty',
      message: expect.stringContaining(join(folder, 'full')),
    });

    expect(await readdir(join(folder, 'full'))).toEqual(['mine']);
    expect(await readdir(folder)).toEqual(['empty', 'full']);
  });

  it('leaves nothing behind when it is aborted', async () => {
    const folder = await makeFolder();
    const controller = new AbortController();

    const making = makeTextures({
      ...OPTIONS,
      out: join(folder, 'set'),
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });

    await expect(making).rejects.toThrow('enough');
    expect(await readdir(folder)).toEqual([]);
  });
});
