import { createGenerator } from '@adctl/random';
import { createToyTextures } from '@adctl/testkit';
import { describe, expect, test } from 'vitest';
import type { ImageShape } from '../method.js';
import { mergeFragments } from './connectivity.js';
import { Hyperparameters } from './hyperparameters.js';
import { toLab } from './lab.js';
import { findNeighbours, planGroupedPasses } from './passes.js';
import { presmooth } from './presmooth.js';
import { assignPixels, type Superpixels, seedCentres, seedGrid, slic, updateCentres } from './slic.js';
import { createSegmenter, cutGrid } from './superpixels.js';

const RGB_64: ImageShape = { height: 64, width: 64, channels: 3 };

function paint(value: (x: number, y: number) => readonly number[], side = 64): Float32Array {
  const pixels: number[] = [];
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) pixels.push(...value(x, y));
  return Float32Array.from(pixels);
}

/** Overlapping coloured discs on grey. */
function discs(side = 64): Float32Array {
  const generator = createGenerator(3, 'discs');
  const all = Array.from({ length: 6 }, () => ({
    x: side * generator.uniform(),
    y: side * generator.uniform(),
    radius: side * (0.1 + 0.15 * generator.uniform()),
    colour: [generator.uniform(), generator.uniform(), generator.uniform()],
  }));
  return paint((x, y) => all.findLast((d) => Math.hypot(x - d.x, y - d.y) < d.radius)?.colour ?? [0.5, 0.5, 0.5], side);
}

const IMAGES = {
  constant: paint(() => [0.4, 0.4, 0.4]),
  halves: paint((x) => (x < 32 ? [1, 0, 0] : [0, 0, 1])),
  discs: discs(),
};

function cut(pixels: Float32Array, segments: number, compactness = 10, side = 64): Superpixels {
  return slic(toLab(pixels, side, side, 3), { segments, compactness, iterations: 10 });
}

function sizesOf({ labels, count }: Superpixels): number[] {
  const sizes = new Array<number>(count).fill(0);
  for (const label of labels) sizes[label]!++;
  return sizes;
}

/** Number of 4-connected regions of equal labels, by flood fill. */
function countRegions({ labels }: Superpixels, width: number): number {
  const seen = new Uint8Array(labels.length);
  let regions = 0;
  for (let start = 0; start < labels.length; start++) {
    if (seen[start] === 1) continue;
    regions++;
    const stack = [start];
    while (stack.length > 0) {
      const i = stack.pop()!;
      if (seen[i] === 1 || labels[i] !== labels[start]) continue;
      seen[i] = 1;
      if (i % width > 0) stack.push(i - 1);
      if (i % width < width - 1) stack.push(i + 1);
      if (i >= width) stack.push(i - width);
      if (i + width < labels.length) stack.push(i + width);
    }
  }
  return regions;
}

describe('CIELAB', () => {
  test.each([
    [
      [255, 0, 0],
      [53.2406, 80.0923, 67.2028],
    ],
    [
      [0, 255, 0],
      [87.7351, -86.183, 83.1797],
    ],
    [
      [0, 0, 255],
      [32.2957, 79.1856, -107.8573],
    ],
    [
      [128, 128, 128],
      [53.585, 0, 0],
    ],
    [
      [18, 52, 86],
      [21.0416, 1.0523, -24.0992],
    ],
    [
      [255, 128, 0],
      [67.0548, 42.8254, 74.0175],
    ],
    [
      [255, 255, 255],
      [100, 0, 0],
    ],
  ])('%j is %j', (rgb, lab) => {
    const { planes } = toLab(
      Float32Array.from(rgb, (level) => level / 255),
      1,
      1,
      3,
    );

    for (const [i, value] of lab.entries()) expect(Math.abs(planes[i]![0]! - value)).toBeLessThan(0.01);
  });

  test('grey is the same as three equal channels', () => {
    const grey = Float32Array.of(0, 0.2, 0.7, 1);
    const rgb = Float32Array.from({ length: 12 }, (_, i) => grey[Math.floor(i / 3)]!);

    expect(toLab(grey, 2, 2, 1)).toEqual(toLab(rgb, 2, 2, 3));
  });
});

describe('SLIC', () => {
  const noise = (side: number) => {
    const generator = createGenerator(1, 'noise');
    return paint(() => [generator.uniform(), generator.uniform(), generator.uniform()], side);
  };
  const stripes = () => {
    const { pixels } = createToyTextures({ texture: 'stripes', count: 1, seed: 1, defect: 'none' });
    return paint((x, y) => new Array<number>(3).fill(pixels[64 * y + x]! / 255));
  };

  test.each<[string, Float32Array, number, number, number]>([
    ['coloured discs', discs(), 64, 64, 1.5],
    ['white noise', noise(128), 128, 64, 3],
    ['the stripe texture', stripes(), 64, 64, 3],
  ])(
    'on %s labels are connected, complete, large enough and neither too few nor too many',
    (_, pixels, side, k, most) => {
      const superpixels = cut(pixels, k, 10, side);

      expect(superpixels.labels).toHaveLength(side * side);
      expect(countRegions(superpixels, side)).toBe(superpixels.count);
      expect(new Set(superpixels.labels)).toEqual(new Set(Array.from({ length: superpixels.count }, (_, i) => i)));
      expect(Math.min(...sizesOf(superpixels))).toBeGreaterThanOrEqual(Math.floor((side * side) / k / 4));
      expect(superpixels.count).toBeGreaterThanOrEqual(k / 2);
      expect(superpixels.count).toBeLessThanOrEqual(most * k);
    },
  );

  test('a constant image is cut into the 8x8 grid, labels in row-major order', () => {
    const { labels, count } = cut(IMAGES.constant, 64);

    expect(count).toBe(64);
    expect(labels).toEqual(
      Uint16Array.from({ length: 4096 }, (_, i) => 8 * Math.floor(i / 64 / 8) + Math.floor((i % 64) / 8)),
    );
  });

  test('half red, half blue: 16 labels of 256 pixels, none with both colours', () => {
    const superpixels = cut(IMAGES.halves, 16);
    const [left, right] = [new Set<number>(), new Set<number>()];
    for (const [i, label] of superpixels.labels.entries()) (i % 64 < 32 ? left : right).add(label);

    expect(sizesOf(superpixels)).toEqual(new Array(16).fill(256));
    expect([...left].filter((label) => right.has(label))).toEqual([]);
  });

  test('with an enormous compactness colours hardly matter', () => {
    const superpixels = cut(IMAGES.discs, 64, 1e6);

    expect(superpixels.count).toBe(64);
    for (const size of sizesOf(superpixels)) expect(Math.abs(size - 64)).toBeLessThanOrEqual(16);
  });

  test.each([
    ['constant', 64, 10],
    ['halves', 16, 10],
    ['discs', 64, 1e6],
    ['discs', 64, 10],
  ] as const)('the energy of %s (K = %d, m = %d) never rises', (name, segments, compactness) => {
    const image = toLab(IMAGES[name], 64, 64, 3);
    const centres = seedCentres(image, segments);
    const labels = new Int32Array(4096);
    const energies = Array.from({ length: 10 }, () => {
      const energy = assignPixels(image, centres, compactness, labels);
      updateCentres(image, centres, labels);
      return energy;
    });

    for (const [i, energy] of energies.slice(1).entries())
      expect(energy).toBeLessThanOrEqual(energies[i]! * (1 + 1e-9));
    expect(energies.at(-1)).toBeGreaterThan(0);
  });

  test('a seed leaves an edge for the flattest pixel beside it, and stays where nothing is flatter', () => {
    // K = 1: the seed of a 9x9 image is its centre (4, 4); a bright line runs through it.
    const line = toLab(
      paint((x) => (x === 5 ? [1, 1, 1] : [0, 0, 0]), 9),
      9,
      9,
      3,
    );
    const flat = seedCentres(
      toLab(
        paint(() => [0, 0, 0], 9),
        9,
        9,
        3,
      ),
      1,
    );
    const moved = seedCentres(line, 1);

    expect([flat.y[0], flat.x[0]]).toEqual([4, 4]);
    expect([moved.y[0], moved.x[0]]).toEqual([3, 3]);
    expect(moved.lightness[0]).toBeCloseTo(0, 4);
  });

  test('pixels that no window reaches go to the nearest centre', () => {
    const image = toLab(IMAGES.constant, 64, 64, 3);
    const centres = seedCentres(image, 16);
    for (let k = 0; k < centres.count; k++) centres.x[k] = k === 5 ? 20 : 4;
    const labels = new Int32Array(4096).fill(-1);
    assignPixels(image, centres, 10, labels);

    expect(labels[64 * 24 + 63]).toBe(5);
    expect(labels.includes(-1)).toBe(false);
  });

  test('seeds of a 28x28 image with squares of 8 are three by three', () => {
    expect(seedGrid(28, 28, 12)).toMatchObject({ rows: 3, columns: 3 });
    expect(seedGrid(64, 32, 32)).toEqual({ spacing: 8, rows: 8, columns: 4 });
  });
});

describe('merging of fragments', () => {
  const merge = (rows: readonly string[], minSize: number) => {
    const [height, width] = [rows.length, rows[0]!.length];
    const { labels, count } = mergeFragments(Int32Array.from(rows.join(''), Number), height, width, minSize);
    const text = Array.from({ length: height }, (_, y) => labels.subarray(y * width, (y + 1) * width).join(''));
    return { text, count };
  };

  test('equal labels that do not touch become different superpixels', () => {
    expect(merge(['1221', '1221'], 0)).toEqual({ text: ['0112', '0112'], count: 3 });
  });

  test('a small piece joins the neighbour with the longest border, on ties the first', () => {
    expect(merge(['0111', '0211', '0111'], 2)).toEqual({ text: ['0111', '0111', '0111'], count: 2 });
    expect(merge(['0011', '0211', '0111'], 2)).toEqual({ text: ['0011', '0011', '0111'], count: 2 });
  });

  test('the smallest go first and one piece may remain', () => {
    expect(merge(['0123'], 9)).toEqual({ text: ['0000'], count: 1 });
    expect(merge(['00122333'], 3)).toEqual({ text: ['00000111'], count: 2 });
  });
});

describe('segmenter', () => {
  const pixels = Float32Array.from([...IMAGES.discs, ...IMAGES.halves, ...IMAGES.discs]);

  test('cuts every image of a batch, equal images once', () => {
    const h = Hyperparameters.parse({});
    const [first, second, third] = createSegmenter(h, RGB_64).segment(pixels);

    expect(first).toEqual(cut(IMAGES.discs, 64));
    expect(second).toEqual(cut(IMAGES.halves, 64));
    expect(third).toBe(first);
  });

  test('a grid ignores the image', () => {
    const h = Hyperparameters.parse({ segmentation: 'grid' });
    const [first, second] = createSegmenter(h, RGB_64).segment(pixels);

    expect(first).toEqual(second);
    expect(first).toEqual(cut(IMAGES.constant, 64));
    const small = cutGrid(h, { height: 28, width: 30, channels: 1 });
    expect(small.count).toBe(12);
    expect(countRegions(small, 30)).toBe(12);
  });

  test('smoothing before SLIC keeps flat areas and softens edges', () => {
    const smooth = presmooth(IMAGES.halves, RGB_64, 1);

    expect(presmooth(IMAGES.halves, RGB_64, 0)).toBe(IMAGES.halves);
    for (const value of presmooth(IMAGES.constant, RGB_64, 1)) expect(value).toBeCloseTo(0.4, 6);
    expect(smooth[3 * 20]).toBeCloseTo(1, 6);
    expect(smooth[3 * 31]! + smooth[3 * 32]!).toBeCloseTo(1, 5);
    expect(smooth[3 * 31]).toBeLessThan(0.8);
  });
});

test('grouped passes hide no neighbours, nor neighbours of neighbours, together', () => {
  const superpixels = cut(IMAGES.discs, 64);
  const neighbours = findNeighbours(superpixels, 64);
  const { passOfPixel, count } = planGroupedPasses(superpixels, 64);
  const passOf = new Map(Array.from(superpixels.labels, (label, i) => [label, passOfPixel[i]!]));

  expect(count).toBeLessThan(25);
  for (const [label, near] of neighbours.entries()) {
    for (const other of near) {
      expect(passOf.get(other)).not.toBe(passOf.get(label));
      for (const far of neighbours[other]!) if (far !== label) expect(passOf.get(far)).not.toBe(passOf.get(label));
    }
  }
});
