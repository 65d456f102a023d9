import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Dataset } from './dataset.js';
import { openDataset } from './open-dataset.js';
import { planSplits } from './plan-splits.js';
import { checkCategories } from './readers/check-categories.js';
import { listMvtecFolder } from './readers/mvtec-folder.js';
import { categoryFiles, greyPng, maskPng, writeFiles } from './testing/mvtec-folder.fixtures.js';
import { temporaryFolders } from './testing/temporary-folder.fixtures.js';

const makeFolder = temporaryFolders();
const SHAPE = { height: 4, width: 4, channels: 1 };
type Files = Readonly<Record<string, Uint8Array | undefined>>;

/** A set of the sound category `nut` and of `pill` with some files changed (undefined removes one). */
async function setWith(change: Files = {}): Promise<string> {
  const root = await makeFolder();
  const sound = await categoryFiles();
  await writeFiles(join(root, 'nut'), sound);
  await writeFiles(join(root, 'pill'), { ...sound, ...change });
  return root;
}

async function open(root: string): Promise<Dataset> {
  return openDataset({ name: 'mvtec', root, input: SHAPE }, { cacheDir: await makeFolder() });
}

const splitsOf = (dataset: Dataset, normal: string) => planSplits(dataset, { protocol: 'mvtec', normal, splitSeed: 1 });

/** Everything a trial reads of a category. */
async function readAll(dataset: Dataset, normal: string) {
  const { train, selection, calibration, test } = splitsOf(dataset, normal);
  for (const list of [train, selection, calibration, test.images]) {
    await dataset.train.read(list.train);
    await dataset.test.read(list.test);
  }
  return { test, masks: await dataset.test.readMasks!(test.images.test) };
}

describe('a set in the MVTec AD layout', () => {
  it('is split by category: good training images, all its test images, defects anomalous', async () => {
    const dataset = await open(await setWith());
    const { train, selection, calibration, test } = splitsOf(dataset, 'pill');

    expect(dataset.classes).toEqual(['nut', 'pill']);
    expect(dataset.defects).toEqual(['good', 'crack', 'hole']);
    expect([train, selection, calibration].map((list) => list.train.length)).toEqual([10, 1, 1]);
    expect([...test.images.test].map((index) => dataset.defects![dataset.test.defects![index]!])).toEqual([
      'good',
      'good',
      'crack',
      'hole',
    ]);
    expect([...test.labels]).toEqual([0, 0, 1, 1]);
  });

  it('gives images and masks in the size asked for; masks by the nearest pixel, none for good images', async () => {
    const half = Buffer.alloc(64);
    for (let row = 0; row < 8; row++) half.fill(255, row * 8 + 4, row * 8 + 8);
    const mask = await sharp(half, { raw: { width: 8, height: 8, channels: 1 } })
      .png()
      .toBuffer();
    const dataset = await open(await setWith({ 'ground_truth/crack/000_mask.png': mask }));

    const { test, masks } = await readAll(dataset, 'pill');

    expect([...(await dataset.test.read(test.images.test)).subarray(0, 16)]).toEqual(Array(16).fill(120));
    expect([...masks.subarray(0, 32)]).toEqual(Array(32).fill(0));
    expect([...masks.subarray(32, 48)]).toEqual(Array(4).fill([0, 0, 255, 255]).flat());
  });

  it('takes a folder that is one category', async () => {
    const root = join(await setWith(), 'pill');

    expect((await open(root)).classes).toEqual(['pill']);
  });

  it('changes its digest with a mask', async () => {
    const other = await sharp(Buffer.alloc(64, 255), { raw: { width: 8, height: 8, channels: 1 } })
      .png()
      .toBuffer();
    const [one, two] = [
      await open(await setWith()),
      await open(await setWith({ 'ground_truth/crack/000_mask.png': other })),
    ];

    expect(one.digest).not.toBe(two.digest);
    expect((await open(await setWith())).digest).toBe(one.digest);
  });

  it('refuses a mask that was changed since it was opened', async () => {
    const root = await setWith();
    const dataset = await open(root);
    const all = Array(64).fill(255);
    const mask = await sharp(Buffer.from(all), { raw: { width: 8, height: 8, channels: 1 } })
      .png()
      .toBuffer();

    await writeFiles(join(root, 'pill'), { 'ground_truth/crack/000_mask.png': mask });

    await expect(readAll(dataset, 'pill')).rejects.toMatchObject({
      code: 'dataset_changed',
      message: expect.stringContaining('000_mask.png'),
    });
  });

  it('refuses a root without categories, and every other protocol', async () => {
    const root = await makeFolder();
    await mkdir(join(root, 'pictures'));

    await expect(open(root)).rejects.toMatchObject({
      code: 'bad_image_folder',
      message: expect.stringContaining(root),
    });
    const dataset = await open(await setWith());
    expect(() => planSplits(dataset, { protocol: 'one-class', normal: 'nut', splitSeed: 1 })).toThrowError(
      expect.objectContaining({ code: 'protocol_mismatch', hint: 'Use mvtec.' }),
    );
  });
});

const png16 = () =>
  sharp(new Uint16Array(64).fill(30_000), { raw: { width: 8, height: 8, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();
const cmyk = () =>
  sharp({ create: { width: 8, height: 8, channels: 3, background: '#808080' } })
    .toColourspace('cmyk')
    .jpeg()
    .toBuffer();
const rgb = () =>
  sharp({ create: { width: 8, height: 8, channels: 3, background: '#808080' } })
    .png()
    .toBuffer();
const HALF_PNG = (await greyPng(1)).subarray(0, 40);

describe('one bad category', () => {
  it.each<[string, string, RegExp, () => Promise<Files>]>([
    [
      'a corrupt training image',
      'corrupt_image',
      /pill\/train\/good\/003\.png: cannot be read/,
      async () => ({ 'train/good/003.png': HALF_PNG }),
    ],
    [
      'a corrupt first image',
      'corrupt_image',
      /pill\/train\/good\/000\.png: cannot be read/,
      async () => ({ 'train/good/000.png': Buffer.from('text') }),
    ],
    [
      'a corrupt mask',
      'corrupt_image',
      /pill\/ground_truth\/crack\/000_mask\.png: cannot be read/,
      async () => ({ 'ground_truth/crack/000_mask.png': HALF_PNG }),
    ],
    [
      'a mask of the wrong size',
      'bad_mask',
      /pill\/ground_truth\/crack\/000_mask\.png: is 4 x 8, but its image .*crack\/000\.png is 8 x 8/,
      async () => ({ 'ground_truth/crack/000_mask.png': await maskPng(true, { width: 8, height: 4 }) }),
    ],
    [
      'a missing mask',
      'bad_mask',
      /pill\/ground_truth\/hole\/000_mask\.png: is missing; it belongs to pill\/test\/hole\/000\.png/,
      async () => ({ 'ground_truth/hole/000_mask.png': undefined }),
    ],
    [
      'an empty mask',
      'bad_mask',
      /pill\/ground_truth\/hole\/000_mask\.png: marks no pixel/,
      async () => ({ 'ground_truth/hole/000_mask.png': await maskPng(false) }),
    ],
    [
      'no test anomalies',
      'bad_image_folder',
      /pill\/test: holds no folder of defects/,
      async () => ({ 'test/crack/000.png': undefined, 'test/hole/000.png': undefined }),
    ],
    [
      'no good test images',
      'bad_image_folder',
      /pill\/test\/good: does not exist/,
      async () => ({ 'test/good/000.png': undefined, 'test/good/001.png': undefined }),
    ],
    [
      'a smaller image',
      'unsupported_image',
      /pill\/train\/good\/004\.png: is 4 x 8 with 1 channel, but pill\/train\/good\/000\.png .* is 8 x 8 with 1 channel/,
      async () => ({ 'train/good/004.png': await greyPng(9, { width: 8, height: 4 }) }),
    ],
    [
      'a colour image among grey ones',
      'unsupported_image',
      /pill\/test\/crack\/000\.png: is 8 x 8 with 3 channels/,
      async () => ({ 'test/crack/000.png': await rgb() }),
    ],
    [
      '16 bits',
      'unsupported_image',
      /pill\/test\/good\/000\.png: has more than 8 bits a channel/,
      async () => ({ 'test/good/000.png': await png16() }),
    ],
    [
      'CMYK',
      'unsupported_image',
      /pill\/test\/good\/001\.jpg: is a CMYK image/,
      async () => ({ 'test/good/001.png': undefined, 'test/good/001.jpg': await cmyk() }),
    ],
  ])('with %s is named, and the other one works', async (_, code, message, change) => {
    const dataset = await open(await setWith(await change()));

    await expect(async () => readAll(dataset, 'pill')).rejects.toMatchObject({
      kind: 'user',
      code,
      message: expect.stringMatching(message),
    });
    expect((await readAll(dataset, 'nut')).masks).toHaveLength(4 * 16);
  });

  it('with an empty folder is named, and the other one works', async () => {
    const root = await setWith();
    await rm(join(root, 'pill', 'test', 'hole', '000.png'));
    const dataset = await open(root);

    expect(() => splitsOf(dataset, 'pill')).toThrowError(
      expect.objectContaining({
        code: 'bad_image_folder',
        message: expect.stringMatching(/pill\/test\/hole: holds no images/),
      }),
    );
    expect((await readAll(dataset, 'nut')).masks).toHaveLength(4 * 16);
  });

  it.each([
    '',
    'train/good',
    'test',
    'test/hole',
    'ground_truth/hole',
    'test/hole/000.png',
    'ground_truth/hole/000_mask.png',
  ])('whose pill/%s is a link out of the root is named, and the other one works', async (path) => {
    const root = await setWith();
    const outside = join(await makeFolder(), 'elsewhere');
    const place = join(root, 'pill', path);
    await mkdir(dirname(outside), { recursive: true });
    await rename(place, outside);
    await symlink(outside, path === '' ? join(root, 'pill') : place);
    const dataset = await open(root);

    expect(() => splitsOf(dataset, 'pill')).toThrowError(
      expect.objectContaining({ kind: 'user', code: 'unsafe_path' }),
    );
    expect((await readAll(dataset, 'nut')).masks).toHaveLength(4 * 16);
  });

  it('works again once it is mended and opened anew', async () => {
    const root = await setWith({ 'train/good/000.png': Buffer.from('text') });
    const dataset = await open(root);
    await expect(readAll(dataset, 'pill')).rejects.toMatchObject({ code: 'corrupt_image' });

    await writeFiles(join(root, 'pill'), { 'train/good/000.png': await greyPng(100) });

    await expect(readAll(dataset, 'pill')).rejects.toMatchObject({ code: 'dataset_changed' });
    expect((await readAll(await open(root), 'pill')).masks).toHaveLength(4 * 16);
  });
});

describe('MVTec AD itself', () => {
  it('is told by its categories and their numbers of images', async () => {
    const listing = await listMvtecFolder(await setWith());
    const counts = { train: 12, good: 2, defective: 2 };
    const check = (categories: Record<string, typeof counts>) =>
      Object.fromEntries(
        [...checkCategories(listing, { title: 'Nuts', categories })].map(([name, { message }]) => [name, message]),
      );

    expect(check({ nut: counts, pill: counts })).toEqual({});
    expect(check({ nut: counts })).toEqual({ pill: expect.stringContaining('is no category of Nuts') });
    expect(check({ nut: counts, pill: { ...counts, train: 13 } })).toEqual({
      pill: expect.stringContaining(
        'holds 12 training, 2 good and 2 defective test images, Nuts has 13 training, 2 good and 2 defective test images',
      ),
    });
  });

  it('refuses to train on a category that is not of MVTec AD', async () => {
    const dataset = await openDataset(
      { name: 'mvtec-ad', root: await setWith(), input: SHAPE },
      { cacheDir: await makeFolder() },
    );

    expect(dataset.broken?.get('pill')?.message).toMatch(/holds 12 training.*MVTec AD has 267 training, 26 good/);
    expect(() => splitsOf(dataset, 'nut')).toThrow(/is no category of MVTec AD; .*use the data set mvtec/);
  });
});
