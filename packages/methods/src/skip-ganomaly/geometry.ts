import type { ImageShape } from '../method.js';

/** What the networks see. */
export interface Geometry {
  /** Side of the square image: a power of two, at least 32. */
  readonly side: number;
  readonly channels: number;
  /** Stride-2 levels of the generator, log2(side): its innermost map is 1x1. */
  readonly levels: number;
}

const SMALLEST_SIDE = 32;

/** The smallest square of a power of two that holds the image. */
export function geometryOf({ height, width, channels }: ImageShape): Geometry {
  const levels = Math.ceil(Math.log2(Math.max(height, width, SMALLEST_SIDE)));
  return { side: 2 ** levels, channels, levels };
}
