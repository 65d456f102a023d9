import { describe, expect, test } from 'vitest';
import { createToyTextures, TOY_DEFECTS, type ToyTexture, type ToyTextures } from './toy-textures.js';

const TEXTURES: readonly ToyTexture[] = ['stripes', 'checks', 'blobs'];

function meanAndDeviation(pixels: ArrayLike<number>): [mean: number, deviation: number] {
  const values = Array.from(pixels, (level) => level / 255);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [mean, Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)];
}

/** Number of defect pixels of each image. */
function defectSizes({ count, masks }: ToyTextures): number[] {
  const size = masks.length / count;
  return Array.from({ length: count }, (_, i) =>
    masks.subarray(i * size, (i + 1) * size).reduce((sum, value) => sum + value, 0),
  );
}

describe('toy textures', () => {
  test('equal options give equal bytes, another seed or defect other ones', () => {
    const make = (seed: number, defect: 'none' | 'spot' = 'none') =>
      createToyTextures({ texture: 'stripes', count: 2, seed, defect }).pixels;

    expect(make(1)).toEqual(make(1));
    expect(make(1)).not.toEqual(make(2));
    expect(make(1)).not.toEqual(make(1, 'spot'));
  });

  test.each<[ToyTexture, number]>([
    ['stripes', 0.25 / Math.SQRT2],
    ['checks', 0.25],
    ['blobs', 0.15],
  ])('%s vary around grey with their own contrast and no mask', (texture, contrast) => {
    const { pixels, masks } = createToyTextures({ texture, count: 20, seed: 1, defect: 'none' });
    const [mean, deviation] = meanAndDeviation(pixels);

    expect(mean).toBeCloseTo(0.5, 1);
    expect(deviation).toBeCloseTo(Math.hypot(contrast, 0.03), 2);
    expect(masks.some((value) => value !== 0)).toBe(false);
  });

  test('stripes repeat after 8 pixels, blobs do not', () => {
    const shiftedError = (texture: ToyTexture) => {
      const { pixels } = createToyTextures({ texture, count: 1, seed: 3, defect: 'none' });
      return pixels.reduce(
        (sum, level, i) => sum + (i % 64 < 56 ? Math.abs(level - pixels[i + 8]!) / 255 : 0) / (56 * 64),
        0,
      );
    };

    expect(shiftedError('stripes')).toBeLessThan(0.06);
    expect(shiftedError('blobs')).toBeGreaterThan(0.12);
  });

  test('every image has one defect of the size its kind allows', () => {
    const sizes = (defect: 'spot' | 'scratch' | 'patch') =>
      defectSizes(createToyTextures({ texture: 'blobs', count: 30, seed: 2, defect }));

    for (const size of sizes('patch')) expect(size).toBe(256);
    for (const size of sizes('spot')) {
      expect(size).toBeGreaterThan(Math.PI * 16 * 0.8);
      expect(size).toBeLessThan(Math.PI * 64 * 1.1);
    }
    for (const size of sizes('scratch')) {
      expect(size).toBeGreaterThan(20);
      expect(size).toBeLessThan(40 * 4 * 1.2);
    }
  });

  test.each(TEXTURES)('defects of %s change the image where the mask says so', (texture) => {
    for (const defect of TOY_DEFECTS) {
      const { pixels, masks, count } = createToyTextures({ texture, count: 10, seed: 4, defect });
      const size = pixels.length / count;
      const inside = pixels.filter((_, i) => masks[i] === 1);
      // Spots and scratches lie at 0.1 or 0.9, further from grey than any texture.
      const distance = inside.reduce((sum, level) => sum + Math.abs(level / 255 - 0.5), 0) / inside.length;

      expect(inside.length).toBeGreaterThan(0);
      expect(inside.length).toBeLessThan(0.2 * size * count);
      if (defect === 'patch') expect(distance).toBeLessThan(0.2);
      else expect(distance).toBeGreaterThan(0.35);
    }
  });

  test('a patch of stripes on stripes runs across them', () => {
    const { pixels, masks } = createToyTextures({ texture: 'stripes', count: 1, seed: 5, defect: 'patch' });
    const steps = { along: 0, across: 0 };
    for (let i = 0; i < pixels.length - 64; i++) {
      if (masks[i] !== 1 || masks[i + 1] !== 1 || masks[i + 64] !== 1) continue;
      steps.across += Math.abs(pixels[i]! - pixels[i + 1]!);
      steps.along += Math.abs(pixels[i]! - pixels[i + 64]!);
    }

    expect(steps.along).toBeGreaterThan(2 * steps.across);
  });

  test('refuses images that have no room for a defect', () => {
    expect(() => createToyTextures({ texture: 'checks', side: 28, count: 1, seed: 1, defect: 'none' })).toThrow(
      RangeError,
    );
  });
});
