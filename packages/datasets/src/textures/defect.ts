import type { RandomGenerator } from '@adctl/random';
import type { Canvas, Colour } from './canvas.js';
import type { Texture } from './family.js';

/** Where and how a piece is damaged. Pixels with `cover` 0 stay as they are, bit by bit. */
export interface Damage {
  /** float32 `[size, size]`: how much of each pixel the defect takes, 0..1. */
  readonly cover: Float32Array;
  /** What the defect shows at a pixel; `at` is its offset in the canvas. Mixed with the texture by `cover`. */
  colourAt(x: number, y: number, at: number): Colour;
}

/** A kind of defect. It draws from `generator` alone and leaves the texture as it is. */
export interface Defect {
  /** Name of the defect folder; kebab-case, stable. */
  readonly name: string;
  readonly description: string;
  draw(texture: Texture, generator: RandomGenerator): Damage;
}

/** Pixels that a defect covers by less than this are left alone, so that a mask has no rim that nobody could see. */
const LEAST_COVER = 0.25;

/**
 * Covers the pixels inside an outline, softly over one pixel at its edge.
 *
 * @param distance signed distance to the outline in units of the picture's side, negative inside, for x and y in (0, 1).
 */
export function coverOf(size: number, distance: (x: number, y: number) => number): Float32Array {
  const cover = new Float32Array(size * size);
  for (let row = 0, at = 0; row < size; row++) {
    for (let column = 0; column < size; column++, at++) {
      const share = 0.5 - distance((column + 0.5) / size, (row + 0.5) / size) * size;
      if (share >= LEAST_COVER) cover[at] = Math.min(1, share);
    }
  }
  return cover;
}

/** The damaged picture and its mask: uint8 `[size, size]`, 255 exactly where the defect covers the pixel, else 0. */
export function applyDamage(
  { canvas }: Texture,
  damage: Damage,
): { readonly canvas: Canvas; readonly mask: Uint8Array } {
  const { size, channels } = canvas;
  const values = canvas.values.slice();
  const mask = new Uint8Array(size * size);
  for (const [pixel, cover] of damage.cover.entries()) {
    if (cover === 0) continue;
    mask[pixel] = 255;
    const at = pixel * channels;
    const colour = damage.colourAt(((pixel % size) + 0.5) / size, (Math.floor(pixel / size) + 0.5) / size, at);
    for (let channel = 0; channel < channels; channel++) {
      const value = values[at + channel]!;
      values[at + channel] = value + (colour[channel]! - value) * cover;
    }
  }
  return { canvas: { ...canvas, values }, mask };
}

/** A colour in the canvas's channels: RGB as it is, or its brightness. */
export function inChannels({ channels }: Canvas, rgb: readonly [number, number, number]): Colour {
  return channels === 1 ? [0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]] : rgb;
}
