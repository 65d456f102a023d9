import { describe, expect, test } from 'vitest';
import { createToyImages, type ToyImages } from './toy-images.js';

const SHAPE = { height: 28, width: 28, channels: 1 };

function meanImage({ count, pixels }: ToyImages): number[] {
  const size = pixels.length / count;
  return Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let k = i; k < pixels.length; k += size) sum += pixels[k]!;
    return sum / count;
  });
}

function difference(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

describe('toy images', () => {
  test('equal seeds give equal bytes, other seeds other ones', () => {
    const make = (seed: number) => createToyImages({ shape: SHAPE, count: 3, seed, kind: 'normal' }).pixels;

    expect(make(1)).toEqual(make(1));
    expect(make(1)).not.toEqual(make(2));
  });

  test.each([SHAPE, { height: 32, width: 32, channels: 3 }, { height: 20, width: 36, channels: 1 }])(
    'fills %o with a figure on a dark ground',
    (shape) => {
      const { pixels } = createToyImages({ shape, count: 4, seed: 1, kind: 'anomalous' });
      const bright = pixels.filter((level) => level > 100).length / pixels.length;

      expect(pixels.length).toBe(4 * shape.height * shape.width * shape.channels);
      expect(bright).toBeGreaterThan(0.05);
      expect(bright).toBeLessThan(0.5);
    },
  );

  test('no rotation or flip of the normal image looks like the anomalies', () => {
    const normal = meanImage(createToyImages({ shape: SHAPE, count: 100, seed: 1, kind: 'normal' }));
    const side = SHAPE.width;
    const turn = (image: number[]) =>
      image.map((_, i) => image[(side - 1 - (i % side)) * side + Math.floor(i / side)]!);
    const flip = (image: number[]) =>
      image.map((_, i) => image[Math.floor(i / side) * side + (side - 1 - (i % side))]!);
    const poses = [normal, flip(normal)].flatMap((image) => [
      image,
      turn(image),
      turn(turn(image)),
      turn(turn(turn(image))),
    ]);
    const among = difference(normal, meanImage(createToyImages({ shape: SHAPE, count: 100, seed: 2, kind: 'normal' })));
    const single = createToyImages({ shape: SHAPE, count: 60, seed: 3, kind: 'anomalous' });

    for (let i = 0; i < single.count; i++) {
      const image = Array.from(single.pixels.subarray(i * side * side, (i + 1) * side * side));
      for (const pose of poses) expect(difference(pose, image)).toBeGreaterThan(5 * among);
    }
    // The poses themselves differ, so an orientation can be told.
    for (const pose of poses.slice(1)) expect(difference(normal, pose)).toBeGreaterThan(5 * among);
  });
});
