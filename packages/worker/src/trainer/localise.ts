import type { Dataset, ImageList } from '@adctl/datasets';
import { computeLocalisation } from '@adctl/evaluation';
import type { Model } from '@adctl/methods';
import { chunkRanges } from '@adctl/methods/kit';
import { AdctlError, type PixelMetrics } from '@adctl/protocol';
import { type ImageSource, toImages } from './image-source.js';
import type { Measuring } from './scoring.js';

/** What is defective in the test images of a trial, pixel by pixel. */
export interface TrueDefects {
  /** uint8 `[images, height, width]` at the working resolution, not 0 where defective. */
  readonly masks: Uint8Array;
  readonly height: number;
  readonly width: number;
  /** Every `step`-th row and column of the images is kept. */
  readonly step: number;
  /** Index into `kinds` for each test image. */
  readonly kindOf: Uint16Array;
  /** Kinds of defect, `good` first. */
  readonly kinds: readonly string[];
}

/** Anomaly maps of all test images and what they are worth. */
export interface Localisation {
  readonly metrics: PixelMetrics;
  /** float32 `[images, height, width]` at the working resolution. */
  readonly maps: Float32Array;
}

/**
 * Most pixels that pixel metrics look at: maps, masks and the sort take 13 bytes each. A test set with more keeps every second,
 * third … row and column of maps and masks.
 */
const MOST_PIXELS = 40_000_000;

/**
 * Reads the masks of all test images, a few at a time; undefined for a data set without masks.
 * @throws AdctlError user `bad_mask`, `corrupt_image`, naming the file.
 */
export async function readTrueDefects(
  dataset: Pick<Dataset, 'test' | 'defects' | 'shape'>,
  { test: positions }: Pick<ImageList, 'test'>,
  mostPixels: number = MOST_PIXELS,
): Promise<TrueDefects | undefined> {
  const { test, defects: kinds, shape } = dataset;
  const of = test.defects;
  if (kinds === undefined || of === undefined || test.readMasks === undefined) return undefined;
  const step = Math.max(1, Math.ceil(Math.sqrt((positions.length * shape.height * shape.width) / mostPixels)));
  const [height, width] = [Math.ceil(shape.height / step), Math.ceil(shape.width / step)];
  const masks = new Uint8Array(positions.length * height * width);
  for (const [start, end] of chunkRanges(positions.length, MASKS_AT_ONCE)) {
    const few = await test.readMasks(positions.subarray(start, end));
    thin(few, shape, step, masks.subarray(start * height * width));
  }
  return { masks, height, width, step, kindOf: Uint16Array.from(positions, (index) => of[index] ?? 0), kinds };
}

const MASKS_AT_ONCE = 16;

/**
 * Makes the anomaly map of every test image and compares them with the masks.
 *
 * @returns null when stopped.
 * @throws AdctlError `score_not_finite` (permanent) for a map value that is not; `undefined_metric` when no mask marks a pixel at
 *   the working resolution.
 */
export async function localise(
  anomalyMap: NonNullable<Model['anomalyMap']>,
  images: ImageSource,
  truth: TrueDefects,
  { batch: size, stop }: Measuring,
): Promise<Localisation | null> {
  const { height, width, step, masks } = truth;
  const maps = new Float32Array(masks.length);
  for (const [start, end] of chunkRanges(images.count, size)) {
    if (stop?.aborted) return null;
    const batch = toImages(
      await images.read(Int32Array.from({ length: end - start }, (_, i) => start + i)),
      images.shape,
    );
    const map = anomalyMap(batch);
    batch.dispose();
    thin(await map.data<'float32'>(), images.shape, step, maps.subarray(start * height * width));
    map.dispose();
  }
  const broken = maps.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) {
    const image = Math.floor(broken / (height * width));
    throw new AdctlError(`The anomaly map of image ${image} of the test images holds ${maps[broken]}.`, {
      code: 'score_not_finite',
      kind: 'permanent',
      details: { where: 'test maps', position: image },
    });
  }
  return { metrics: computeLocalisation({ maps, masks, height, width }), maps };
}

/** Copies every `step`-th row and column of some one-channel images. */
function thin(
  from: Uint8Array | Float32Array,
  shape: { readonly height: number; readonly width: number },
  step: number,
  to: Uint8Array | Float32Array,
): void {
  if (step === 1) {
    to.set(from);
    return;
  }
  const images = from.length / (shape.height * shape.width);
  for (let image = 0, at = 0; image < images; image++) {
    for (let row = 0; row < shape.height; row += step) {
      const start = (image * shape.height + row) * shape.width;
      for (let column = 0; column < shape.width; column += step) to[at++] = from[start + column]!;
    }
  }
}
