import { createGenerator } from '@adctl/random';
import type { ImageShape } from '../dataset.js';
import { unsupportedImageSize } from '../errors.js';
import { blur } from './blur.js';
import type { Corruption } from './corruption.js';
import { cutpastePatch } from './cutpaste-patch.js';
import { cutpasteScar } from './cutpaste-scar.js';
import { erase } from './erase.js';
import { inversion } from './inversion.js';
import { noisePatch } from './noise-patch.js';
import { quadrantSwap } from './quadrant-swap.js';
import { stain } from './stain.js';
import { warp } from './warp.js';

/** The mixture, in the order it is cycled through. Raise `SYNTHETIC_VERSION` when anything here would make other images. */
export const CORRUPTIONS: readonly Corruption[] = [
  cutpastePatch,
  warp,
  noisePatch,
  quadrantSwap,
  cutpasteScar,
  erase,
  stain,
  blur,
  inversion,
];

/** Part of what identifies a trial's numbers. */
export const SYNTHETIC_VERSION = 1;

/**
 * An anomaly must differ from its source by at least this mean squared difference on the scale 0..1 (a root mean square of 8 of
 * 255 grey levels over the whole image) and by 10 % of the source's own variance, whichever is more. Chosen by looking at sheets
 * of MNIST and Fashion-MNIST: below it, scars are a stray dot and warped digits pass for handwriting.
 */
export const MIN_CHANGED_ENERGY = 0.001;
const MIN_CHANGED_SHARE_OF_VARIANCE = 0.1;

const MAX_ATTEMPTS = 40;
const MIN_SIDE = 4;

export interface SyntheticAnomalies {
  /** uint8 `[count, height, width, channels]`. */
  readonly images: Uint8Array;
  /** Position of the normal image each was made from. */
  readonly sources: Int32Array;
  /** Name of the corruption that made each. */
  readonly corruptions: readonly string[];
}

/**
 * Makes synthetic anomalies from normal images, without labels: image i starts from normal image `i mod normals` and goes through
 * the mixture in turn (each pass over the normals starts one corruption further). A corruption that changed too little, such as
 * a black patch on black ground, is drawn again up to 40 times; after that `stain` takes its place, and is named.
 *
 * Image i depends on the normal images, the seed and i alone, so asking for more keeps the first ones.
 *
 * @param normals uint8 `[n, height, width, channels]`, n >= 1: held-out normal images, never the ones that are scored as normal
 *   training data.
 * @param options.count how many to make.
 * @param options.seed the split seed.
 * @throws AdctlError user `unsupported_image_size` for images below 4 x 4.
 */
export function makeSyntheticAnomalies(
  normals: Uint8Array,
  options: { readonly shape: ImageShape; readonly count: number; readonly seed: number },
): SyntheticAnomalies {
  const { shape, count, seed } = options;
  const imageBytes = shape.height * shape.width * shape.channels;
  const normalCount = normals.length / imageBytes;
  if (!Number.isInteger(normalCount) || normalCount < 1) {
    throw new RangeError(`${normals.length} bytes are not one or more images of ${imageBytes} bytes`);
  }
  if (shape.height < MIN_SIDE || shape.width < MIN_SIDE) {
    throw unsupportedImageSize(
      `synthetic anomalies need images of ${MIN_SIDE} x ${MIN_SIDE} or more; these are ${shape.height} x ${shape.width}`,
      'Use a larger image size.',
    );
  }
  const imageAt = (index: number) => normals.subarray(index * imageBytes, (index + 1) * imageBytes);
  const images = new Uint8Array(count * imageBytes);
  const sources = Int32Array.from({ length: count }, (_, index) => index % normalCount);
  const corruptions: string[] = [];
  for (let index = 0; index < count; index++) {
    const turn = (index + Math.floor(index / normalCount)) % CORRUPTIONS.length;
    const generator = createGenerator(seed, 'synthetic', SYNTHETIC_VERSION, index);
    const source = imageAt(sources[index]!);
    const made = corruptVisibly(CORRUPTIONS[turn]!, source, () => ({
      source,
      donor: imageAt(generator.integer(normalCount)),
      shape,
      generator,
    }));
    images.set(made.image, index * imageBytes);
    corruptions.push(made.corruption.name);
  }
  return { images, sources, corruptions };
}

/** Mean squared difference of two images on the scale 0..1. */
export function changedEnergy(image: Uint8Array, source: Uint8Array): number {
  let sum = 0;
  for (let value = 0; value < image.length; value++) sum += (image[value]! - source[value]!) ** 2;
  return sum / (255 ** 2 * image.length);
}

/** The least changed energy that counts as visible for this image. */
export function requiredEnergy(source: Uint8Array): number {
  let sum = 0;
  let squares = 0;
  for (const value of source) {
    sum += value;
    squares += value ** 2;
  }
  const variance = (squares / source.length - (sum / source.length) ** 2) / 255 ** 2;
  return Math.max(MIN_CHANGED_ENERGY, MIN_CHANGED_SHARE_OF_VARIANCE * variance);
}

function corruptVisibly(
  wanted: Corruption,
  source: Uint8Array,
  draw: () => Parameters<Corruption['apply']>[0],
): { readonly image: Uint8Array; readonly corruption: Corruption } {
  // The stand-in need only reach the floor, which it can on every image; a share of a large variance it might not.
  for (const [corruption, required] of [
    [wanted, requiredEnergy(source)],
    [stain, MIN_CHANGED_ENERGY],
  ] as const) {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const image = corruption.apply(draw());
      if (changedEnergy(image, source) >= required) return { image, corruption };
    }
  }
  throw new Error(`no visible corruption in ${2 * MAX_ATTEMPTS} attempts`);
}
