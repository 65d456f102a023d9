import type { RandomGenerator } from '@adctl/random';

/** A square picture being painted. */
export interface Canvas {
  /** Pixels a side. */
  readonly size: number;
  /** 1 (grey) or 3 (RGB). */
  readonly channels: number;
  /** float32 `[size, size, channels]`, 0..1 once finished. */
  readonly values: Float32Array;
}

/** One value a channel, 0..1. */
export type Colour = readonly number[];

/**
 * Paints every pixel by its centre.
 * @param colourAt gets x to the right and y downwards, both in (0, 1), so that a picture looks the same at every size.
 */
export function paint(size: number, channels: number, colourAt: (x: number, y: number) => Colour): Canvas {
  const values = new Float32Array(size * size * channels);
  for (let row = 0, at = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const colour = colourAt((column + 0.5) / size, (row + 0.5) / size);
      for (let channel = 0; channel < channels; channel++) values[at++] = colour[channel]!;
    }
  }
  return { size, channels, values };
}

/** Adds what a camera adds: one gain for the whole picture, within `gainSpread` of 1, and Gaussian noise on every value. */
export function photograph(
  canvas: Canvas,
  generator: RandomGenerator,
  { gainSpread, noiseSigma }: { readonly gainSpread: number; readonly noiseSigma: number },
): Canvas {
  const gain = 1 + gainSpread * (2 * generator.uniform() - 1);
  const values = canvas.values.map((value) => clip(value * gain + noiseSigma * generator.normal()));
  return { ...canvas, values };
}

/** uint8 `[size, size, channels]`. */
export function toBytes({ values }: Canvas): Uint8Array {
  return Uint8Array.from(values, (value) => Math.round(255 * clip(value)));
}

/** Between two colours; share 0 gives the first. */
export function mix(from: Colour, to: Colour, share: number): Colour {
  return from.map((value, channel) => value + (to[channel]! - value) * share);
}

/** 0 below `from`, 1 above `to`, smooth between. */
export function smoothStep(from: number, to: number, value: number): number {
  const t = clip((value - from) / (to - from));
  return t * t * (3 - 2 * t);
}

export function clip(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** Uniform in [low, high). */
export function between(generator: RandomGenerator, low: number, high: number): number {
  return low + (high - low) * generator.uniform();
}
