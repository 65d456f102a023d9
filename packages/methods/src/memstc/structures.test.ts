import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { gradientError, maxDifference, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { clusterColours } from './clustering.js';
import { Hyperparameters } from './hyperparameters.js';
import { entriesPerImage, keySizes, toKeys } from './keys.js';
import { blur, extractStructures, type Structures } from './structures.js';

const OPTIONS = { semanticTemperature: 0.02, edgeScale: 0.1 };

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

/** Fixed, irregular images in [0, 1]. */
function pictures(shape: [number, number, number, number]): tf.Tensor4D {
  return tf.clipByValue(tf.add(tf.mul(waves(shape), 0.25), 0.5), 0, 1) as tf.Tensor4D;
}

const greyCentres = () => tf.tensor2d([[0], [0.5], [1]]);
const colourCentres = () => waves([4, 3], 2).abs().mul(0.4) as tf.Tensor2D;

describe('edge structure', () => {
  const edgesOf = (images: tf.Tensor) => extractStructures(images as tf.Tensor4D, greyCentres(), OPTIONS).edges;

  test('a constant image has none, at the border neither', () => {
    expect(tf.max(tf.abs(edgesOf(tf.fill([1, 12, 10, 1], 0.7)))).dataSync()[0]).toBeLessThan(1e-6);
  });

  test('a vertical step gives a vertical line, alike in every row', () => {
    const step = tf.concat([tf.zeros([1, 9, 8, 1]), tf.ones([1, 9, 8, 1])], 2);
    const rows = (tf.squeeze(edgesOf(step)) as tf.Tensor2D).arraySync();

    for (const row of rows) for (const [x, value] of row.entries()) expect(value).toBeCloseTo(rows[0]![x]!, 5);
    for (const x of [7, 8]) expect(rows[0]![x]).toBeGreaterThan(0.7);
    for (const x of [0, 1, 2, 13, 14, 15]) expect(rows[0]![x]).toBeLessThan(0.01);
    expect(Math.max(...rows.flat())).toBeLessThan(1);
  });

  test('a gradient of kappa counts 1 - exp(-1/2), in both directions', () => {
    const ramp = tf.tile(tf.reshape(tf.range(0, 16).mul(0.1), [1, 1, 16, 1]), [1, 16, 1, 1]);
    const centre = (image: tf.Tensor) => tf.slice(edgesOf(image), [0, 8, 8, 0], [1, 1, 1, 1]).dataSync()[0]!;

    expect(centre(ramp)).toBeCloseTo(1 - Math.exp(-0.5), 5);
    expect(centre(tf.transpose(ramp, [0, 2, 1, 3]))).toBeCloseTo(1 - Math.exp(-0.5), 5);
  });

  test('adding a constant to the image changes nothing, and colours count by their mean', () => {
    const x = pictures([2, 12, 12, 3]);
    const edges = extractStructures(x, colourCentres(), OPTIONS).edges;
    const brighter = extractStructures(tf.add(x, 0.2), colourCentres(), OPTIONS).edges;

    expect(maxDifference(edges, brighter)).toBeLessThan(1e-4);
    expect(maxDifference(edges, edgesOf(tf.mean(x, 3, true)))).toBeLessThan(1e-5);
  });
});

describe('semantic structure', () => {
  test('sums to 1 over the clusters and is sure at their centres', () => {
    const { semantic } = extractStructures(pictures([2, 9, 9, 3]), colourCentres(), OPTIONS);
    const constant = extractStructures(tf.fill([1, 9, 9, 1], 0.5), greyCentres(), OPTIONS).semantic;

    expect(semantic.shape).toEqual([2, 9, 9, 4]);
    expect(maxDifference(tf.sum(semantic, 3), tf.ones([2, 9, 9]))).toBeLessThan(1e-5);
    expect(tf.min(tf.slice(constant, [0, 0, 0, 1], [1, 9, 9, 1])).dataSync()[0]).toBeGreaterThan(0.999);
  });

  test('is softmax(-||blur - c_k||^2 / t)', () => {
    const x = pictures([1, 6, 7, 3]);
    const centres = colourCentres();
    const difference = tf.sub(tf.expandDims(blur(x), 3), tf.reshape(centres, [1, 1, 1, 4, 3]));
    const expected = tf.softmax(tf.mul(tf.sum(tf.square(difference), 4), -1 / 0.02));

    expect(maxDifference(extractStructures(x, centres, OPTIONS).semantic, expected)).toBeLessThan(1e-4);
  });
});

test('blurring keeps constants and channels apart, and replicates the border', () => {
  const channels = tf.tile(tf.tensor4d([0.2, 0.5, 0.9], [1, 1, 1, 3]), [1, 8, 8, 1]) as tf.Tensor4D;
  const corner = tf.buffer<tf.Rank.R4>([1, 8, 8, 1]);
  corner.set(1, 0, 0, 0, 0);
  const taps = [-3, -2, -1, 0, 1, 2, 3].map((i) => Math.exp((-i * i) / 2));
  const total = taps.reduce((a, b) => a + b);
  // The corner pixel is repeated three times before it, so it counts with four of the seven taps each way.
  const share = taps.slice(0, 4).reduce((a, b) => a + b) / total;

  expect(maxDifference(blur(channels), channels)).toBeLessThan(1e-6);
  expect(blur(corner.toTensor()).dataSync()[0]).toBeCloseTo(share ** 2, 5);
});

test.each([1, 3])('both have finite gradients with respect to an image of %i channels', (channels) => {
  const x = pictures([1, 8, 8, channels]);
  const centres = channels === 1 ? greyCentres() : colourCentres();
  const soft = { semanticTemperature: 0.5, edgeScale: 0.5 };
  const term = (part: keyof Structures, mix: number) => (image: tf.Tensor) => {
    const structure = extractStructures(image as tf.Tensor4D, centres, soft)[part];
    return tf.sum(tf.mul(structure, waves(structure.shape, mix))) as tf.Scalar;
  };

  for (const part of ['semantic', 'edges'] as const) {
    expect(gradientError(term(part, 1), x, 1e-2), part).toBeLessThan(0.03);
    expect(tf.max(tf.abs(tf.grad(term(part, 1))(x))).dataSync()[0], part).toBeGreaterThan(1e-3);
  }
  // Where all is flat the edge strength has a minimum, not a kink.
  for (const value of tf.grad(term('edges', 1))(tf.fill(x.shape, 0.5)).dataSync()) expect(value).toBeCloseTo(0, 5);
});

describe('clusters', () => {
  test('of grey values start spaced between the extremes and end in the middle of their groups', () => {
    const values = Float32Array.from([0, 0.02, 0.04, 0.5, 0.52, 0.9, 1]);

    const centres = clusterColours(values, 1, 3, createGenerator(1));

    for (const [k, expected] of [0.02, 0.51, 0.95].entries()) expect(centres[k]).toBeCloseTo(expected, 6);
  });

  test('a cluster without values keeps its centre', () => {
    expect(Array.from(clusterColours(Float32Array.from([0, 0, 1, 1]), 1, 3, createGenerator(1)))).toEqual([0, 0.5, 1]);
  });

  test('of colours find well separated groups, and repeat from the seed', () => {
    const generator = createGenerator(8);
    const wanted = [
      [0.1, 0.1, 0.1],
      [0.9, 0.1, 0.1],
      [0.1, 0.9, 0.9],
    ];
    const colours = Float32Array.from(
      Array.from({ length: 300 }, (_, i) => wanted[i % 3]!.map((c) => c + 0.01 * generator.normal())).flat(),
    );

    const centres = clusterColours(colours, 3, 3, createGenerator(1));

    const rows = [0, 1, 2].map((k) => Array.from(centres.subarray(3 * k, 3 * k + 3)));
    for (const centre of wanted) {
      const nearest = Math.min(...rows.map((row) => Math.hypot(...row.map((value, c) => value - centre[c]!))));
      expect(nearest).toBeLessThan(0.01);
    }
    expect(clusterColours(colours, 3, 3, createGenerator(1))).toEqual(centres);
  });
});

describe('keys', () => {
  const structures = (side: number): Structures => ({
    semantic: tf.softmax(waves([2, side, side, 3])) as tf.Tensor4D,
    edges: tf.sigmoid(waves([2, side, side, 1], 1)) as tf.Tensor4D,
  });

  test('of whole images are means over a grid, row by row', () => {
    const h = Hyperparameters.parse({});
    const input = { height: 28, width: 28, channels: 1 };
    const s = structures(28);
    const [semantic, edges] = toKeys(s, h, input);

    expect([semantic.shape, edges.shape]).toEqual([
      [2, 14 * 14 * 3],
      [2, 14 * 14],
    ]);
    expect(keySizes(h)).toEqual([588, 196]);
    expect(entriesPerImage(h, input)).toBe(1);
    const square = tf.mean(tf.slice(s.edges, [1, 2, 4, 0], [1, 2, 2, 1])).dataSync()[0]!;
    expect(edges.arraySync()[1]![14 + 2]).toBeCloseTo(square, 6);
  });

  test('of cells are 6x6 windows of half-cell means about each cell, zero outside, with its place', () => {
    const h = Hyperparameters.parse({ granularity: 'cell', stageChannels: [8, 8], positionWeight: 2 });
    const input = { height: 16, width: 16, channels: 1 };
    const s = structures(16);
    const [semantic, edges] = toKeys(s, h, input);

    expect(entriesPerImage(h, input)).toBe(16);
    expect(keySizes(h)).toEqual([36 * 3 + 2, 36 + 2]);
    expect([semantic.shape, edges.shape]).toEqual([
      [32, 110],
      [32, 38],
    ]);
    // Second image, cell in row 1 and column 2: half cells are 2x2 pixels, its window begins 2 half cells before it.
    const means = (tf.avgPool(s.edges, 2, 2, 'valid') as tf.Tensor4D)
      .arraySync()[1]!
      .map((row) => row.map(([v]) => v!));
    const window = Array.from({ length: 36 }, (_, i) => means[Math.floor(i / 6)]?.[2 + (i % 6)] ?? 0);
    const key = edges.arraySync()[16 + 4 + 2]!;
    for (const [i, value] of window.entries()) expect(key[i]).toBeCloseTo(value, 6);
    expect(key.slice(36)).toEqual([2 * (1 / 4), 2 * (2 / 4)]);
    // The first cell's window lies two half cells outside the image.
    expect(edges.arraySync()[0]!.slice(0, 12)).toEqual(new Array(12).fill(0));
  });
});
