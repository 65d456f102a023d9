import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CORRUPTIONS,
  changedEnergy,
  MIN_CHANGED_ENERGY,
  makeSyntheticAnomalies,
  requiredEnergy,
} from './make-synthetic-anomalies.js';

/** Images of many sizes: flat, black with few bright pixels like digits, two-valued, and arbitrary. */
const normalsArbitrary = fc
  .record({
    height: fc.integer({ min: 4, max: 20 }),
    width: fc.integer({ min: 4, max: 20 }),
    channels: fc.constantFrom(1, 3, 4),
    normalCount: fc.integer({ min: 1, max: 4 }),
  })
  .chain(({ normalCount, ...shape }) => {
    const length = shape.height * shape.width * shape.channels * normalCount;
    const valuesFrom = (value: fc.Arbitrary<number>) => fc.array(value, { minLength: length, maxLength: length });
    const normals = fc
      .oneof(
        fc.integer({ min: 0, max: 255 }).map((shade) => Array<number>(length).fill(shade)),
        valuesFrom(fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(255) })),
        valuesFrom(fc.constantFrom(0, 255)),
        valuesFrom(fc.integer({ min: 0, max: 255 })),
      )
      .map((values) => Uint8Array.from(values));
    return fc.record({
      shape: fc.constant(shape),
      normals,
      seed: fc.integer(),
      count: fc.integer({ min: 0, max: 20 }),
    });
  });

describe('makeSyntheticAnomalies', () => {
  it('makes images that all differ visibly from their sources', () => {
    fc.assert(
      fc.property(normalsArbitrary, ({ normals, ...options }) => {
        const made = makeSyntheticAnomalies(normals, options);
        const imageBytes = options.shape.height * options.shape.width * options.shape.channels;
        const at = (images: Uint8Array, index: number) => images.subarray(index * imageBytes, (index + 1) * imageBytes);

        expect(made.images).toHaveLength(options.count * imageBytes);
        made.sources.forEach((source, index) => {
          const energy = changedEnergy(at(made.images, index), at(normals, source));
          const required =
            made.corruptions[index] === 'stain' ? MIN_CHANGED_ENERGY : requiredEnergy(at(normals, source));
          expect(energy).toBeGreaterThanOrEqual(required);
        });
      }),
    );
  });

  it('leaves the normal images alone', () => {
    fc.assert(
      fc.property(normalsArbitrary, ({ normals, ...options }) => {
        const before = normals.slice();

        makeSyntheticAnomalies(normals, options);

        expect(normals).toEqual(before);
      }),
      { numRuns: 30 },
    );
  });

  it('gives the same images for the same seed, others for another, and keeps the first when asked for more', () => {
    fc.assert(
      fc.property(normalsArbitrary, ({ normals, ...options }) => {
        fc.pre(options.count > 0);
        const made = makeSyntheticAnomalies(normals, options);
        const more = makeSyntheticAnomalies(normals, { ...options, count: options.count + 5 });

        expect(makeSyntheticAnomalies(normals, options)).toEqual(made);
        expect(more.images.subarray(0, made.images.length)).toEqual(made.images);
        expect(makeSyntheticAnomalies(normals, { ...options, count: 9, seed: options.seed + 1 }).images).not.toEqual(
          makeSyntheticAnomalies(normals, { ...options, count: 9 }).images,
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('the mixture', () => {
  it('uses every corruption equally often on digit-like images, moving on with each pass over the normals', () => {
    const shape = { height: 28, width: 28, channels: 1 };
    const normalCount = CORRUPTIONS.length;
    const normals = new Uint8Array(normalCount * 784);
    for (let image = 0; image < normalCount; image++) {
      for (let row = 4; row < 24; row++) normals.fill(255, image * 784 + row * 28 + 12, image * 784 + row * 28 + 16);
    }

    const { corruptions, sources } = makeSyntheticAnomalies(normals, { shape, count: normalCount ** 2, seed: 1 });

    for (const { name } of CORRUPTIONS) {
      expect(corruptions.filter((candidate) => candidate === name)).toHaveLength(normalCount);
    }
    const onFirst = corruptions.filter((_, index) => sources[index] === 0);
    expect(new Set(onFirst).size).toBe(CORRUPTIONS.length);
  });

  it('refuses images too small to damage', () => {
    const shape = { height: 3, width: 9, channels: 1 };

    expect(() => makeSyntheticAnomalies(new Uint8Array(27), { shape, count: 1, seed: 0 })).toThrowError(
      expect.objectContaining({ code: 'unsupported_image_size' }),
    );
  });
});
