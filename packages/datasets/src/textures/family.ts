import type { RandomGenerator } from '@adctl/random';
import type { Canvas, Colour } from './canvas.js';

/** A painted piece of material without any defect. */
export interface Texture {
  readonly canvas: Canvas;
  /** What shows where the pattern is missing: the ground under the mesh, the tile without its print. */
  readonly ground: Colour;
}

/** A kind of material. Pieces of one family differ as pieces from one production line do: position, light, grain. */
export interface TextureFamily {
  /** Name of the category folder; kebab-case, stable. */
  readonly name: string;
  readonly description: string;
  /** 1 (grey) or 3 (RGB). */
  readonly channels: number;
  /** @param size pixels a side, 32 or more. */
  paint(size: number, generator: RandomGenerator): Texture;
}
