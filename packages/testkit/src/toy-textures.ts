import { createGenerator, type RandomGenerator } from '@adctl/random';
import type { ToyImages } from './toy-images.js';

/**
 * - `stripes`: nearly vertical sine waves of period 8 with a random phase;
 * - `checks`: squares of 8 pixels at a random offset;
 * - `blobs`: blurred noise, which no surrounding predicts.
 */
export type ToyTexture = 'stripes' | 'checks' | 'blobs';

/**
 * - `spot`: an ellipse with semi-axes of 4 to 8 pixels, dark or bright;
 * - `scratch`: a bar of 20 to 40 by 2 to 4 pixels at any angle, dark or bright;
 * - `patch`: a 16x16 square of another texture: stripes turned by 90 degrees, or stripes on the other two.
 */
export type ToyDefect = 'spot' | 'scratch' | 'patch';

export const TOY_DEFECTS: readonly ToyDefect[] = ['spot', 'scratch', 'patch'];

export interface ToyTextureOptions {
  readonly texture: ToyTexture;
  /** Side of the square grey images in pixels, at least 32; default 64. */
  readonly side?: number;
  readonly count: number;
  readonly seed: number;
  /** One defect an image, or flawless images. */
  readonly defect: ToyDefect | 'none';
}

/** Grey texture images and where each is damaged. */
export interface ToyTextures extends ToyImages {
  /** `[count, side, side]` row-major, 1 on the defect, 0 elsewhere. */
  readonly masks: Uint8Array;
}

/** Values of one image, row-major, not yet clipped. */
type Field = Float64Array;

/** Defects are centred at least this far from the border, in pixels. */
const MARGIN = 14;
const PATCH_SIDE = 16;
const STRIPE_PERIOD = 8;
const NOISE = 0.03;

/** Seeded textures with defects; equal options give equal bytes, and every defect kind draws its own images. */
export function createToyTextures(options: ToyTextureOptions): ToyTextures {
  const { texture, side = 64, count, seed, defect } = options;
  if (!Number.isInteger(side) || side < 32)
    throw new RangeError(`toy textures need a side of at least 32, got ${side}`);
  const generator = createGenerator(seed, 'toy-textures', texture, defect);
  const size = side * side;
  const pixels = new Uint8Array(count * size);
  const masks = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) {
    const field = drawTexture(texture, side, generator);
    const mask = masks.subarray(i * size, (i + 1) * size);
    if (defect !== 'none') {
      markDefect(mask, defect, side, generator);
      const filling = defect === 'patch' ? drawOtherTexture(texture, side, generator) : drawLevel(size, generator);
      for (let p = 0; p < size; p++) if (mask[p] === 1) field[p] = filling[p]!;
    }
    const target = pixels.subarray(i * size, (i + 1) * size);
    for (let p = 0; p < size; p++) {
      const value = field[p]! + NOISE * generator.normal();
      target[p] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
  }
  return { count, shape: { height: side, width: side, channels: 1 }, pixels, masks };
}

function drawTexture(texture: ToyTexture, side: number, generator: RandomGenerator): Field {
  switch (texture) {
    case 'stripes':
      return drawStripes(side, 0, generator);
    case 'checks': {
      const [offsetX, offsetY] = [16 * generator.uniform(), 16 * generator.uniform()];
      const wave = (position: number) => Math.sin((2 * Math.PI * position) / 16);
      return fieldOf(side, (x, y) => 0.5 + 0.25 * Math.sign(wave(x + offsetX) * wave(y + offsetY)));
    }
    case 'blobs':
      return drawBlobs(side, generator);
  }
}

function drawOtherTexture(texture: ToyTexture, side: number, generator: RandomGenerator): Field {
  return drawStripes(side, texture === 'stripes' ? Math.PI / 2 : 0, generator);
}

function drawStripes(side: number, turn: number, generator: RandomGenerator): Field {
  const angle = turn + 0.05 * generator.normal();
  const phase = 2 * Math.PI * generator.uniform();
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return fieldOf(side, (x, y) => 0.5 + 0.25 * Math.sin((2 * Math.PI * (x * cos + y * sin)) / STRIPE_PERIOD + phase));
}

function drawBlobs(side: number, generator: RandomGenerator): Field {
  const noise = fieldOf(side, () => generator.normal());
  const rows = blurWrapped(noise, side, 1, side);
  const blurred = blurWrapped(rows, side, side, 1);
  const mean = blurred.reduce((sum, value) => sum + value, 0) / blurred.length;
  const variance = blurred.reduce((sum, value) => sum + (value - mean) ** 2, 0) / blurred.length;
  return blurred.map((value) => 0.5 + (0.15 * (value - mean)) / Math.sqrt(variance));
}

/** Gaussian blur of sigma 2 along one direction, the far border joined to the near one. */
function blurWrapped(field: Field, side: number, step: number, lineStep: number): Field {
  const radius = 8;
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / 8));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const blurred = new Float64Array(field.length);
  for (let line = 0; line < side; line++) {
    for (let position = 0; position < side; position++) {
      let sum = 0;
      for (const [i, weight] of weights.entries()) {
        sum += weight * field[line * lineStep + ((position + i - radius + side) % side) * step]!;
      }
      blurred[line * lineStep + position * step] = sum / total;
    }
  }
  return blurred;
}

function drawLevel(size: number, generator: RandomGenerator): Field {
  return new Float64Array(size).fill(generator.uniform() < 0.5 ? 0.1 : 0.9);
}

function markDefect(mask: Uint8Array, defect: ToyDefect, side: number, generator: RandomGenerator): void {
  const between = (low: number, high: number) => low + (high - low) * generator.uniform();
  const [centreX, centreY] = [between(MARGIN, side - MARGIN), between(MARGIN, side - MARGIN)];
  const isInside = drawOutline(defect, between);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) if (isInside(x - centreX, y - centreY)) mask[y * side + x] = 1;
  }
}

/** Whether a point, relative to the defect's centre, belongs to it. */
function drawOutline(defect: ToyDefect, between: (low: number, high: number) => number) {
  switch (defect) {
    case 'spot': {
      const [a, b] = [between(4, 8), between(4, 8)];
      return (x: number, y: number) => (x / a) ** 2 + (y / b) ** 2 <= 1;
    }
    case 'scratch': {
      const [halfLength, halfWidth] = [between(10, 20), between(1, 2)];
      const angle = between(0, Math.PI);
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      return (x: number, y: number) =>
        Math.abs(x * cos + y * sin) <= halfLength && Math.abs(y * cos - x * sin) <= halfWidth;
    }
    case 'patch':
      return (x: number, y: number) =>
        x >= -PATCH_SIDE / 2 && x < PATCH_SIDE / 2 && y >= -PATCH_SIDE / 2 && y < PATCH_SIDE / 2;
  }
}

function fieldOf(side: number, value: (x: number, y: number) => number): Field {
  const field = new Float64Array(side * side);
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) field[y * side + x] = value(x, y);
  return field;
}
