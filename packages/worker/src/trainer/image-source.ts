import type { Dataset, ImageList, ImageShape } from '@adctl/datasets';
import type { ImageReader } from '@adctl/methods';
import { chunkRanges, gatherImages } from '@adctl/methods/kit';
import type { Tensor4D } from '@tensorflow/tfjs';

/** A list of images of one data set, addressed by position in the list. */
export interface ImageSource {
  readonly count: number;
  readonly shape: ImageShape;
  /** Bytes of these positions, uint8 `[positions.length, height, width, channels]`; the caller must not change them. */
  read(positions: Int32Array): Promise<Uint8Array>;
}

/** Of each list this much is held in memory for the length of a trial; what does not fit is read batch by batch. */
const RESIDENT_BYTES = 128 * 2 ** 20;
/** Images read at once while filling the memory. */
const FILL_BATCH = 64;

/**
 * Opens a list of images: positions of the train part first, then of the test part, as `ImageList` orders them. The first ones
 * stay in memory as far as the bound allows: training passes over all of them in turn, which no cache of recent ones serves better.
 *
 * @throws AdctlError `corrupt_image` (user), here or in a later `read`.
 */
export async function openImages(
  dataset: Dataset,
  list: ImageList,
  residentBytes: number = RESIDENT_BYTES,
): Promise<ImageSource> {
  const { shape } = dataset;
  const count = list.train.length + list.test.length;
  const size = bytesOf(shape);
  const heldCount = Math.min(count, Math.floor(residentBytes / size));
  const held = new Uint8Array(heldCount * size);
  for (const [start, end] of chunkRanges(heldCount, FILL_BATCH)) {
    const few = Int32Array.from({ length: end - start }, (_, i) => start + i);
    held.set(await readList(dataset, list, few), start * size);
  }
  const memory = fromPixels(held, shape);
  if (heldCount === count) return memory;
  return {
    count,
    shape,
    async read(positions) {
      const result = new Uint8Array(positions.length * size);
      const copy = async (places: readonly number[], read: (positions: Int32Array) => Promise<Uint8Array>) => {
        const pixels = await read(Int32Array.from(places, (place) => positions[place]!));
        places.forEach((place, i) => {
          result.set(pixels.subarray(i * size, (i + 1) * size), place * size);
        });
      };
      const isHeld = (place: number) => positions[place]! < heldCount;
      const places = [...positions.keys()];
      await copy(places.filter(isHeld), memory.read);
      await copy(
        places.filter((place) => !isHeld(place)),
        (few) => readList(dataset, list, few),
      );
      return result;
    },
  };
}

/** A source over images in memory, uint8 `[count, height, width, channels]`. */
export function fromPixels(pixels: Uint8Array, shape: ImageShape): ImageSource {
  const size = bytesOf(shape);
  return {
    count: pixels.length / size,
    shape,
    async read(positions) {
      const result = new Uint8Array(positions.length * size);
      positions.forEach((position, i) => {
        result.set(pixels.subarray(position * size, (position + 1) * size), i * size);
      });
      return result;
    },
  };
}

/** Bytes as a model takes them: `[count, height, width, channels]` float32 in [0, 1]; the caller disposes it. */
export function toImages(pixels: Uint8Array, shape: ImageShape): Tensor4D {
  return gatherImages({ count: pixels.length / bytesOf(shape), shape, pixels });
}

/** The images as a model reads them outside of training steps. */
export function toReader(source: ImageSource): ImageReader {
  const { count, shape } = source;
  return { count, shape, read: async (positions) => toImages(await source.read(positions), shape) };
}

/**
 * The batches of an epoch as tensors, reading one ahead so that the disk works while the model does.
 *
 * @param batches positions per batch.
 * @param from first batch to yield, from 0.
 * @returns tensors `[batch, height, width, channels]` that the consumer disposes, with their positions.
 */
export async function* readBatches(
  source: ImageSource,
  batches: readonly Int32Array[],
  from: number,
): AsyncGenerator<{ readonly images: Tensor4D; readonly positions: Int32Array }, void, void> {
  const readSettled = async (index: number) => {
    const positions = batches[index];
    return positions === undefined ? [] : await Promise.allSettled([source.read(positions)]);
  };
  let ahead = readSettled(from);
  for (let index = from; index < batches.length; index++) {
    const [outcome] = await ahead;
    ahead = readSettled(index + 1);
    if (outcome === undefined) return;
    if (outcome.status === 'rejected') throw outcome.reason;
    yield { images: toImages(outcome.value, source.shape), positions: batches[index]! };
  }
}

function bytesOf(shape: ImageShape): number {
  return shape.height * shape.width * shape.channels;
}

async function readList(dataset: Dataset, list: ImageList, positions: Int32Array): Promise<Uint8Array> {
  const size = bytesOf(dataset.shape);
  const result = new Uint8Array(positions.length * size);
  const fromTrain = list.train.length;
  for (const part of ['train', 'test'] as const) {
    const places = Array.from(positions.keys()).filter((i) => positions[i]! < fromTrain === (part === 'train'));
    if (places.length === 0) continue;
    const indices = Int32Array.from(places, (i) =>
      part === 'train' ? list.train[positions[i]!]! : list.test[positions[i]! - fromTrain]!,
    );
    const pixels = await dataset[part].read(indices);
    places.forEach((place, i) => {
      result.set(pixels.subarray(i * size, (i + 1) * size), place * size);
    });
  }
  return result;
}
