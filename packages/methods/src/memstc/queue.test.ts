import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { countTensors } from '../kit/memory.js';
import { disposeScalars } from '../kit/scalars.js';
import { maxDifference, useNativeEngine } from '../testing/engine.fixtures.js';
import { lookUp } from './look-up.js';
import { createQueue, type Entries } from './queue.js';

const NEAREST = { neighbours: 1, neighbourTemperature: 1 };

beforeAll(useNativeEngine);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

function random(seed: number, rows: number, columns: number): tf.Tensor2D {
  return tf.tensor2d(createGenerator(seed).fillUniform(new Float32Array(rows * columns), 0, 1), [rows, columns]);
}

/** Entries whose values tell their id. */
function entriesOf(ids: number[], seed = 1): Entries {
  return {
    keys: [random(seed, ids.length, 5), random(seed + 1, ids.length, 3)],
    values: tf.tensor2d(ids.map((id) => [id, -id])),
    ids: Int32Array.from(ids),
  };
}

function createSmall(capacity: number) {
  return createQueue({ name: 'queue', capacity, keySizes: [5, 3], valueSize: 2 });
}

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);
const idsOf = (queue: ReturnType<typeof createSmall>) => Array.from(queue.buffers['queue/ids']!.read().data);

describe('queue', () => {
  test('after 3,000 ids it holds exactly the last 2,048, in ring order, keys and values together', () => {
    const queue = createSmall(2048);
    for (let start = 0; start < 3000; start += 100) queue.enqueue(entriesOf(range(start, start + 100), start));

    const ids = idsOf(queue);
    expect(queue.count).toBe(2048);
    expect(ids.toSorted((a, b) => a - b)).toEqual(range(952, 3000));
    // Entry 2,048 wrote over entry 0.
    expect(ids).toEqual([...range(2048, 3000), ...range(952, 2048)]);
    const { data } = queue.buffers['queue/values']!.read();
    for (const [row, id] of ids.entries()) expect([data[2 * row], data[2 * row + 1]]).toEqual([id, -id]);
    const expected = entriesOf(range(2900, 3000), 2900).keys[0].dataSync();
    const row = ids.indexOf(2900);
    expect(queue.buffers['queue/semanticKeys']!.read().data.subarray(row * 5, (row + 100) * 5)).toEqual(expected);
    queue.dispose();
  });

  test('until it is full only the filled part counts, and a batch larger than it leaves its end', () => {
    const queue = createSmall(10);
    queue.enqueue(entriesOf([0, 1, 2]));
    expect(idsOf(queue)).toEqual([0, 1, 2]);
    queue.enqueue(entriesOf(range(3, 28)));

    expect(queue.count).toBe(10);
    expect(idsOf(queue).toSorted((a, b) => a - b)).toEqual(range(18, 28));
    queue.enqueue(entriesOf([28]));
    expect(idsOf(queue).toSorted((a, b) => a - b)).toEqual(range(19, 29));
    queue.dispose();
  });

  test('100 rounds of looking up and enqueueing keep the tensor count', () => {
    disposeScalars();
    const queue = createSmall(50);
    const round = (i: number) =>
      tf.tidy(() => {
        const entries = entriesOf(range(7 * i, 7 * i + 7), i);
        queue.enqueue(entries);
        queue.lookUp(entries.keys, NEAREST);
      });
    round(0);
    const count = countTensors();
    for (let i = 1; i <= 100; i++) round(i);

    expect(countTensors()).toBe(count);
    queue.clear();
    expect([queue.count, idsOf(queue).length]).toEqual([0, 0]);
    queue.dispose();
  });

  test('its buffers restore it into another, which goes on as it would have', () => {
    const [first, second] = [createSmall(10), createSmall(10)];
    first.enqueue(entriesOf(range(0, 14)));
    for (const [name, buffer] of Object.entries(first.buffers)) {
      const { shape, data } = buffer.read();
      second.buffers[name]!.write({ shape, data: data.slice() });
    }
    for (const queue of [first, second]) queue.enqueue(entriesOf([14, 15], 9));

    expect(idsOf(second)).toEqual(idsOf(first));
    const asked = entriesOf([0], 9).keys;
    expect(maxDifference(second.lookUp(asked, NEAREST)[1].values, first.lookUp(asked, NEAREST)[1].values)).toBe(0);
    for (const queue of [first, second]) queue.dispose();
  });

  test('a buffer of another size is refused', () => {
    const queue = createSmall(10);
    const write = (shape: number[]) =>
      queue.buffers['queue/values']!.write({ shape, data: new Float32Array(shape[0]! * shape[1]!) });

    for (const shape of [
      [11, 2],
      [3, 4],
    ]) {
      expect(() => write(shape)).toThrow(expect.objectContaining({ code: 'checkpoint_mismatch', kind: 'user' }));
    }
  });
});

describe('look-up', () => {
  const stored = (count: number, size = 8) => ({
    keys: random(3, count, size),
    values: tf.tensor2d(range(0, count).map((i) => [i])),
    ids: tf.tensor2d(range(0, count).map((i) => [i])),
  });
  const foundBy = (asked: tf.Tensor2D, ...rest: [ReturnType<typeof stored>, Parameters<typeof lookUp>[2]]) =>
    Array.from(lookUp(asked, ...rest).values.dataSync());

  test('a stored key finds its own value at distance 0, and another one once its id is excluded', () => {
    const all = stored(500);
    const { values, squaredDistances } = lookUp(all.keys, all, NEAREST);
    const others = lookUp(all.keys, all, { ...NEAREST, excludedIds: Int32Array.from(range(0, 500)) });

    expect(Array.from(values.dataSync())).toEqual(range(0, 500));
    expect(tf.max(squaredDistances).dataSync()[0]).toBeLessThan(1e-5);
    expect(tf.min(squaredDistances).dataSync()[0]).toBeGreaterThanOrEqual(0);
    for (const [i, found] of Array.from(others.values.dataSync()).entries()) expect(found).not.toBe(i);
  });

  test.each([
    ['in one piece', 700],
    ['chunk by chunk', 9000],
  ])('agrees with brute force for 100 random keys, %s', (_how, count) => {
    const all = stored(count);
    const asked = random(4, 100, 8);
    const [a, b] = [asked.arraySync(), all.keys.arraySync()];
    const squared = a.map((x) => b.map((y) => y.reduce((sum, value, d) => sum + (value - x[d]!) ** 2, 0)));
    const best = squared.map((row) => row.indexOf(Math.min(...row)));

    const { values, squaredDistances } = lookUp(asked, all, NEAREST);

    expect(Array.from(values.dataSync())).toEqual(best);
    const expected = squared.map((row, i) => row[best[i]!]!);
    expect(maxDifference(squaredDistances, tf.tensor1d(expected))).toBeLessThan(1e-5);
  });

  test.each([
    ['in one piece', 40],
    ['chunk by chunk', 5000],
  ])('several neighbours are averaged by softmax(-d^2 / temperature), %s', (_how, count) => {
    const all = stored(count);
    const asked = random(4, 6, 8);
    const [a, b] = [asked.arraySync(), all.keys.arraySync()];
    const expected = a.map((x) => {
      const distances = b.map((y, i) => [y.reduce((sum, value, d) => sum + (value - x[d]!) ** 2, 0), i] as const);
      const nearest = distances.toSorted(([d], [e]) => d - e).slice(0, 3);
      const weights = nearest.map(([d]) => Math.exp(-d / 0.2));
      const total = weights.reduce((sum, weight) => sum + weight);
      return nearest.reduce((sum, [, i], k) => sum + (weights[k]! / total) * i, 0);
    });

    const found = foundBy(asked, all, { neighbours: 3, neighbourTemperature: 0.2 });

    for (const [i, value] of found.entries()) expect(value / expected[i]!).toBeCloseTo(1, 3);
  });

  test('more neighbours than entries are as many as there are', () => {
    const all = stored(2);

    expect(foundBy(random(4, 3, 8), all, { neighbours: 5, neighbourTemperature: 1e6 })).toEqual([
      expect.closeTo(0.5, 4),
      expect.closeTo(0.5, 4),
      expect.closeTo(0.5, 4),
    ]);
  });
});
