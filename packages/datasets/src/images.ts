import type { Dataset, Subset } from './dataset.js';
import type { ImageList } from './splits.js';

/** Some images of a list. */
export interface ImageBatch {
  /** uint8 `[count, height, width, channels]` in the data set's shape, the caller's own. */
  readonly images: Uint8Array;
  /** Indices into `Dataset.classes`, one an image. */
  readonly labels: Uint16Array;
  readonly count: number;
}

/**
 * Reads the images of a list in batches, positions in `train` first, then positions in `test`; one batch is in memory at a time,
 * so lists larger than memory are fine. The last batch may be smaller; a batch never mixes the two parts.
 *
 * @param batchSize images a batch, 1 or more.
 * @throws AdctlError user `corrupt_image` or `corrupt_dataset`; the signal's reason when aborted.
 */
export async function* streamImages(
  dataset: Pick<Dataset, 'train' | 'test'>,
  list: ImageList,
  options: { readonly batchSize: number; readonly signal?: AbortSignal },
): AsyncGenerator<ImageBatch> {
  const { batchSize, signal } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new RangeError(`batchSize is ${batchSize}`);
  for (const part of ['train', 'test'] as const) {
    for (let start = 0; start < list[part].length; start += batchSize) {
      signal?.throwIfAborted();
      yield await readBatch(dataset[part], list[part].subarray(start, start + batchSize));
    }
  }
}

/** Reads all images of a list at once, in the order of `streamImages`; for lists that fit in memory. */
export async function loadImages(dataset: Pick<Dataset, 'train' | 'test'>, list: ImageList): Promise<ImageBatch> {
  const train = await readBatch(dataset.train, list.train);
  if (list.test.length === 0) return train;
  const test = await readBatch(dataset.test, list.test);
  if (list.train.length === 0) return test;
  return {
    images: concatenate(train.images, test.images),
    labels: Uint16Array.from([...train.labels, ...test.labels]),
    count: train.count + test.count,
  };
}

async function readBatch(subset: Subset, indices: Int32Array): Promise<ImageBatch> {
  return {
    images: await subset.read(indices),
    labels: Uint16Array.from(indices, (index) => subset.labels[index]!),
    count: indices.length,
  };
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  const result = new Uint8Array(first.length + second.length);
  result.set(first);
  result.set(second, first.length);
  return result;
}
