import type { RandomGenerator } from '@adctl/random';
import type { ImageShape } from '../dataset.js';

/** What a corruption may use. It reads `source` and `donor` and draws from `generator`; it changes neither image. */
export interface CorruptionInput {
  /** The normal image to damage, uint8 `[height, width, channels]`. */
  readonly source: Uint8Array;
  /** A normal image, perhaps the same, from which foreign pixels may come; same shape. */
  readonly donor: Uint8Array;
  readonly shape: ImageShape;
  readonly generator: RandomGenerator;
}

/** One way to turn a normal image into a synthetic anomaly without any label. */
export interface Corruption {
  /** Kebab-case, stable: it is written next to the images it made. */
  readonly name: string;
  /** For docs/datasets.md. */
  readonly description: string;
  /** @returns a fresh uint8 `[height, width, channels]`; it may happen to look like the source, which the caller checks. */
  apply(input: CorruptionInput): Uint8Array;
}

/** A rectangle inside an image; `top`, `left` are inclusive. */
export interface Region {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Draws a rectangle whose area is about `minShare` to `maxShare` of the image and whose aspect ratio is log-uniform in
 * [1/3, 3], anywhere inside the image.
 */
export function drawRegion(
  generator: RandomGenerator,
  shape: ImageShape,
  [minShare, maxShare]: readonly [number, number],
): Region {
  const area = uniformIn(generator, minShare, maxShare) * shape.height * shape.width;
  const aspect = Math.exp(uniformIn(generator, -Math.log(3), Math.log(3)));
  const height = Math.min(shape.height, Math.max(2, Math.round(Math.sqrt(area * aspect))));
  const width = Math.min(shape.width, Math.max(2, Math.round(area / height)));
  return placeRegion(generator, shape, { height, width });
}

/** Puts a rectangle of this size anywhere inside the image. */
export function placeRegion(
  generator: RandomGenerator,
  shape: ImageShape,
  size: { readonly height: number; readonly width: number },
): Region {
  return {
    ...size,
    top: generator.integer(shape.height - size.height + 1),
    left: generator.integer(shape.width - size.width + 1),
  };
}

/** Calls `visit` with the offset of each value (pixel and channel) inside a region. */
export function eachValue(shape: ImageShape, region: Region, visit: (offset: number, channel: number) => void): void {
  for (let row = region.top; row < region.top + region.height; row++) {
    for (let column = region.left; column < region.left + region.width; column++) {
      const offset = (row * shape.width + column) * shape.channels;
      for (let channel = 0; channel < shape.channels; channel++) visit(offset + channel, channel);
    }
  }
}

/** Uniform in [low, high). */
export function uniformIn(generator: RandomGenerator, low: number, high: number): number {
  return low + (high - low) * generator.uniform();
}

/** Rounds to the nearest of 0..255. */
export function toByte(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
