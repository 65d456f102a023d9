import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { computeLocalisation, type MappedTruth } from './index.js';
import { type Mapped, naiveAuroc, naiveAveragePrecision, naivePro, naiveRegions } from './naive.fixtures.js';
import { findRegions } from './regions.js';

/** Small sets with few distinct values, so that ties are common; at least one normal and one anomalous pixel. */
const mapped: fc.Arbitrary<Mapped> = fc
  .record({
    images: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 2, max: 5 }),
    width: fc.integer({ min: 2, max: 5 }),
  })
  .chain(({ images, height, width }) => {
    const pixels = { minLength: images * height * width, maxLength: images * height * width };
    return fc.record({
      maps: fc.array(fc.integer({ min: -4, max: 4 }), pixels),
      masks: fc.array(fc.constantFrom(0, 0, 255), pixels).map((masks) => [0, 255, ...masks.slice(2)]),
      height: fc.constant(height),
      width: fc.constant(width),
    });
  });

const typed = ({ maps, masks, height, width }: Mapped): MappedTruth => ({
  maps: Float32Array.from(maps),
  masks: Uint8Array.from(masks),
  height,
  width,
});
const asLabels = ({ maps, masks }: Mapped) => ({ scores: maps, labels: masks.map((value) => (value === 0 ? 0 : 1)) });

describe('against a naive reference', () => {
  test('regions are those of a flood fill, numbered by their first pixel', () => {
    fc.assert(
      fc.property(mapped, (data) => {
        const { regionOf, sizes } = findRegions(Uint8Array.from(data.masks), data.height, data.width);
        const naive = naiveRegions(data);

        expect([...sizes.subarray(1)]).toEqual(naive.map((region) => region.length));
        expect(naive.map((region) => [...new Set(region.map((at) => regionOf[at]))])).toEqual(
          naive.map((_, i) => [i + 1]),
        );
        expect(regionOf.filter((region) => region === 0).length).toBe(data.masks.filter((value) => value === 0).length);
      }),
    );
  });

  test('pixel AUROC, pixel AP and PRO at several limits agree', () => {
    fc.assert(
      fc.property(mapped, fc.constantFrom(0.05, 0.3, 1), (data, limit) => {
        const metrics = computeLocalisation(typed(data), limit);

        expect(metrics.auroc).toBeCloseTo(naiveAuroc(asLabels(data)), 12);
        expect(metrics.averagePrecision).toBeCloseTo(naiveAveragePrecision(asLabels(data)), 12);
        expect(metrics.pro).toBeCloseTo(naivePro(data, limit), 10);
        expect(metrics.regions).toBe(naiveRegions(data).length);
      }),
    );
  });

  test('pixel AUROC of defective images leaves the good ones out', () => {
    fc.assert(
      fc.property(mapped, (data) => {
        const perImage = data.height * data.width;
        const isDefective = (at: number) => {
          const start = at - (at % perImage);
          return data.masks.slice(start, start + perImage).some((value) => value !== 0);
        };
        const keep = <T>(values: readonly T[]) => values.filter((_, at) => isDefective(at));
        const only = asLabels({ ...data, maps: keep(data.maps), masks: keep(data.masks) });
        const { aurocDefective } = computeLocalisation(typed(data));

        if (only.labels.every((label) => label === 1)) expect(aurocDefective).toBeNull();
        else expect(aurocDefective).toBeCloseTo(naiveAuroc(only), 12);
      }),
    );
  });
});

describe('computeLocalisation', () => {
  test('does not change under strictly increasing maps of the values', () => {
    fc.assert(
      fc.property(
        mapped,
        fc.constantFrom(Math.exp, Math.atan, (x: number) => x ** 3 - 5),
        (data, map) => {
          expect(computeLocalisation(typed({ ...data, maps: data.maps.map(map) }))).toEqual(
            computeLocalisation(typed(data)),
          );
        },
      ),
    );
  });

  test('does not depend on the order of images', () => {
    fc.assert(
      fc.property(mapped, (data) => {
        const perImage = data.height * data.width;
        const reversed = <T>(values: readonly T[]) => {
          const images = Array.from({ length: values.length / perImage }, (_, i) =>
            values.slice(i * perImage, (i + 1) * perImage),
          );
          return images.reverse().flat();
        };
        const moved = { ...data, maps: reversed(data.maps), masks: reversed(data.masks) };

        const [there, here] = [computeLocalisation(typed(moved)), computeLocalisation(typed(data))];
        expect({ ...there, pro: 0 }).toEqual({ ...here, pro: 0 });
        expect(there.pro).toBeCloseTo(here.pro, 12);
      }),
    );
  });

  test('with one region and no limit, PRO is the pixel AUROC', () => {
    fc.assert(
      fc.property(mapped, (data) => {
        const masks = data.masks.map((_, at) => (at === 0 ? 1 : 0));
        const metrics = computeLocalisation(typed({ ...data, masks }), 1);

        expect(metrics.pro).toBeCloseTo(metrics.auroc, 12);
      }),
    );
  });

  const cross = { height: 3, width: 4 };

  it('gives 1 to a perfect map', () => {
    const masks = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1);
    const maps = Float32Array.from(masks, (value, i) => value * 10 + i / 100);

    expect(computeLocalisation({ maps, masks, ...cross })).toMatchObject({
      auroc: 1,
      averagePrecision: 1,
      pro: 1,
      regions: 2,
      anomalousPixels: 3,
      normalPixels: 9,
    });
  });

  it('starts at a half when of two regions one is found whole and one not at all', () => {
    const masks = Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    const maps = Float32Array.of(9, 9, 5, 4, 3, 5, 4, 3, 5, 4, 3, 0);

    // PRO is 0.5 until every normal pixel has raised a false alarm.
    expect(computeLocalisation({ maps, masks, ...cross }).pro).toBeCloseTo(0.5, 12);
  });

  it('counts small regions as much as large ones', () => {
    const masks = Uint8Array.of(1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1);
    const findsLarge = Float32Array.of(9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 0);
    const findsSmall = Float32Array.of(0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 9);

    const large = computeLocalisation({ maps: findsLarge, masks, ...cross });
    const small = computeLocalisation({ maps: findsSmall, masks, ...cross });

    expect(large.pro).toBeCloseTo(small.pro, 12);
    expect(large.auroc).toBeGreaterThan(small.auroc);
  });

  it('takes pixels that touch by a corner for one region', () => {
    expect(findRegions(Uint8Array.of(1, 0, 0, 1), 2, 2).sizes).toEqual(Int32Array.of(0, 2));
    expect(findRegions(Uint8Array.of(0, 1, 1, 0), 2, 2).sizes).toEqual(Int32Array.of(0, 2));
    expect(findRegions(Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0), 2, 2).sizes, 'two images').toEqual(
      Int32Array.of(0, 2, 1),
    );
  });

  it('joins regions that meet late, however they wind', () => {
    // prettier-ignore
    const spiral = Uint8Array.of(1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0);

    expect(findRegions(spiral, 4, 5).sizes).toEqual(Int32Array.of(0, 11));
  });

  it('gives a constant map half of the limit, and noise about as much', () => {
    const masks = Uint8Array.from({ length: 40_000 }, (_, at) => (at % 200 < 20 && at % 40_000 < 4_000 ? 1 : 0));
    const noise = Float32Array.from(masks, (_, at) => (Math.imul(at + 1, 0x9e3779b1) >>> 0) / 2 ** 32);
    const shape = { height: 200, width: 200 };

    expect(computeLocalisation({ maps: new Float32Array(40_000), masks, ...shape }).pro).toBeCloseTo(0.15, 12);
    expect(computeLocalisation({ maps: noise, masks, ...shape }).pro).toBeCloseTo(0.15, 1);
  });

  const one = { maps: Float32Array.of(1, 2), masks: Uint8Array.of(0, 1), height: 1, width: 2 };
  it.each<[string, Partial<MappedTruth>, RegExp]>([
    ['maps and masks of different sizes', { masks: Uint8Array.of(1) }, /2 map values for 1 mask values/],
    ['no maps', { maps: new Float32Array(), masks: new Uint8Array() }, /there are no maps/],
    ['a broken image', { height: 3 }, /not whole images of 3 x 2/],
    ['masks without a pixel', { masks: Uint8Array.of(0, 0) }, /mark no pixel/],
    ['masks that mark every pixel', { masks: Uint8Array.of(1, 1) }, /mark every pixel/],
    ['a value that is not finite', { maps: Float32Array.of(1, Number.NaN) }, /map value 1 is NaN/],
    ['an infinite value', { maps: Float32Array.of(Number.NEGATIVE_INFINITY, 0) }, /map value 0 is -Infinity/],
  ])('refuses %s', (_, change, message) => {
    expect(() => computeLocalisation({ ...one, ...change })).toThrowError(
      expect.objectContaining({ code: 'undefined_metric', message: expect.stringMatching(message) }),
    );
  });

  it.each([0, -0.1, 1.1, Number.NaN])('refuses a limit of %d', (limit) => {
    expect(() => computeLocalisation(one, limit)).toThrow(RangeError);
  });
});
