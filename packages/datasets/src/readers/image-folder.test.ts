import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { temporaryFolders } from '../testing/temporary-folder.fixtures.js';
import { decodeImage } from './decode-image.js';
import { openImageFolderSubset } from './folder-subset.js';
import { listImageFolder } from './image-folder.js';

const makeFolder = temporaryFolders();

const flat = (colour: { r: number; g: number; b: number; alpha?: number }, size = 8) =>
  sharp({ create: { width: size, height: size, channels: colour.alpha === undefined ? 3 : 4, background: colour } });
const GREY_PNG = await flat({ r: 128, g: 128, b: 128 }).png().toBuffer();

/** Writes files by path below a new folder. */
async function folderWith(files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const root = await makeFolder();
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

describe('listImageFolder', () => {
  it('lists classes and files in code-unit order, leaving out hidden files and other kinds', async () => {
    const root = await folderWith({
      'b/10.png': '',
      'b/2.PNG': '',
      'B/x.jpeg': '',
      'a/ä.webp': '',
      'a/z.tif': '',
      'a/notes.txt': '',
      'a/.hidden.png': '',
      '.git/c.png': '',
      'readme.png': '',
    });

    const { classes, parts } = await listImageFolder(root);

    expect(classes).toEqual(['B', 'a', 'b']);
    expect('whole' in parts && parts.whole.map(({ path }) => path)).toEqual([
      'B/x.jpeg',
      'a/z.tif',
      'a/ä.webp',
      'b/10.png',
      'b/2.PNG',
    ]);
  });

  it('keeps the parts of a folder that has them, whatever lies beside', async () => {
    const root = await folderWith({
      'train/good/1.png': '',
      'test/good/2.png': '',
      'test/crack/3.png': '',
      'masks/x/4.png': '',
    });

    const { classes, parts } = await listImageFolder(root);

    expect(classes).toEqual(['crack', 'good']);
    expect(parts).toEqual({
      train: [{ path: 'train/good/1.png', className: 'good' }],
      test: [
        { path: 'test/crack/3.png', className: 'crack' },
        { path: 'test/good/2.png', className: 'good' },
      ],
    });
  });

  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['a folder without class folders', { 'a.png': '' }, /holds no class folders/],
    ['one part without the other', { 'train/good/1.png': '' }, /has train\/ but no test\//],
    ['a class without images', { 'a/1.png': '', 'b/notes.txt': '' }, /class folder b\/ holds no images/],
  ])('refuses %s', async (_, files, message) => {
    await expect(listImageFolder(await folderWith(files))).rejects.toMatchObject({
      kind: 'user',
      code: 'bad_image_folder',
      message: expect.stringMatching(message),
    });
  });

  it('refuses a root that is not there, and one that is a file', async () => {
    const root = await folderWith({ 'a.png': '' });

    await expect(listImageFolder(join(root, 'nowhere'))).rejects.toMatchObject({ code: 'bad_image_folder' });
    await expect(listImageFolder(join(root, 'a.png'))).rejects.toMatchObject({ code: 'bad_image_folder' });
  });

  it.each([
    ['file', 'a/link.png'],
    ['class folder', 'link'],
  ])('refuses a link to a %s outside the root, naming it', async (kind, link) => {
    const outside = await folderWith({ 'secret/1.png': '' });
    const root = await folderWith({ 'a/1.png': '' });
    await symlink(kind === 'file' ? join(outside, 'secret/1.png') : join(outside, 'secret'), join(root, link));

    await expect(listImageFolder(root)).rejects.toMatchObject({
      kind: 'user',
      code: 'unsafe_path',
      message: expect.stringContaining(join(root, link)),
    });
  });

  it('is not fooled by a neighbour whose name starts like the root', async () => {
    const parent = await folderWith({ 'images/a/1.png': '', 'images-2/1.png': '' });
    await symlink(join(parent, 'images-2/1.png'), join(parent, 'images/a/2.png'));

    await expect(listImageFolder(join(parent, 'images'))).rejects.toMatchObject({ code: 'unsafe_path' });
  });

  it('follows a link that stays inside', async () => {
    const root = await folderWith({ 'a/1.png': '' });
    await symlink(join(root, 'a/1.png'), join(root, 'a/2.png'));

    const { parts } = await listImageFolder(root);

    expect('whole' in parts && parts.whole).toHaveLength(2);
  });
});

describe('openImageFolderSubset', () => {
  it('decodes to the asked-for size and channels, in the order asked for', async () => {
    const root = await folderWith({
      'a/1.png': await flat({ r: 255, g: 0, b: 0 }).png().toBuffer(),
      'b/1.jpg': await flat({ r: 0, g: 0, b: 255 }, 20).jpeg({ quality: 100 }).toBuffer(),
    });
    const { classes, parts } = await listImageFolder(root);
    const images = 'whole' in parts ? parts.whole : [];
    const verified: string[] = [];
    const subset = openImageFolderSubset({
      root,
      images,
      classes,
      shape: { height: 2, width: 3, channels: 3 },
      verify: async (file) => void verified.push(file),
    });

    const read = await subset.read(Int32Array.of(1, 0));

    expect([...subset.labels]).toEqual([0, 1]);
    expect(verified.sort()).toEqual([join(root, 'a/1.png'), join(root, 'b/1.jpg')]);
    expect(read).toHaveLength(2 * 2 * 3 * 3);
    expect(Math.max(read[0]!, read[1]!)).toBeLessThan(5);
    expect(read[2]).toBeGreaterThan(250);
    expect([...read.subarray(18)]).toEqual(Array(6).fill([255, 0, 0]).flat());
  });

  it('refuses two channels', () => {
    const shape = { height: 2, width: 2, channels: 2 };

    const verify = async () => undefined;

    expect(() => openImageFolderSubset({ root: '/', images: [], classes: [], shape, verify })).toThrowError(
      expect.objectContaining({ code: 'unsupported_image_size' }),
    );
  });
});

describe('decodeImage', () => {
  const size = { height: 4, width: 4 };
  async function decode(content: Uint8Array | string, channels: number) {
    const root = await folderWith({ image: content });
    return decodeImage(join(root, 'image'), { ...size, channels });
  }

  it.each([1, 3, 4])('gives %i channels for grey, colour and transparent files alike', async (channels) => {
    const files = [
      await flat({ r: 90, g: 90, b: 90 }).png().toBuffer(),
      await flat({ r: 90, g: 90, b: 90 }).toColourspace('b-w').png().toBuffer(),
      await flat({ r: 90, g: 90, b: 90, alpha: 1 }).png().toBuffer(),
    ];

    for (const file of files) {
      const image = await decode(file, channels);
      expect(image).toHaveLength(16 * channels);
      expect(image[0]).toBeGreaterThanOrEqual(89);
      expect(image[0]).toBeLessThanOrEqual(91);
    }
  });

  it('brings 16 bits down to 8', async () => {
    const deep = Uint16Array.from({ length: 64 }, () => 0x8000);
    const png = await sharp(deep, { raw: { width: 8, height: 8, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();

    const image = await decode(png, 1);

    expect((await sharp(png).metadata()).depth).toBe('ushort');
    expect(new Set(image)).toEqual(new Set([128]));
  });

  it('lays transparent pixels on black', async () => {
    const image = await decode(await flat({ r: 255, g: 255, b: 255, alpha: 0 }).png().toBuffer(), 3);

    expect(new Set(image)).toEqual(new Set([0]));
  });

  it.each<[string, Uint8Array | string]>([
    ['an empty file', ''],
    ['text', 'not an image'],
    ['half a file', GREY_PNG.subarray(0, Math.floor(GREY_PNG.length / 2))],
  ])('names the file for %s', async (_, content) => {
    await expect(decode(content, 3)).rejects.toMatchObject({
      kind: 'user',
      code: 'corrupt_image',
      message: expect.stringMatching(/\/image: cannot be read as an image: .+/),
    });
  });

  it('names the file for a JPEG that breaks off in the pixels', async () => {
    const jpeg = await sharp({
      create: {
        width: 64,
        height: 64,
        channels: 3,
        background: '#808080',
        noise: { type: 'gaussian', mean: 128, sigma: 60 },
      },
    })
      .jpeg()
      .toBuffer();

    await expect(decode(jpeg.subarray(0, Math.floor(jpeg.length * 0.7)), 3)).rejects.toMatchObject({
      code: 'corrupt_image',
    });
  });
});
