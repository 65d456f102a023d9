import { describe, expect, it } from 'vitest';
import { padDataset, padImages } from './pad-dataset.js';
import { fakeDataset } from './testing/fake-dataset.fixtures.js';

const dataset = fakeDataset({ classes: ['a', 'b'], train: [0], test: [1], fill: () => 9 });

describe('padDataset', () => {
  it('centres images on black, the odd row and column below and right', async () => {
    const padded = padDataset(dataset, { height: 5, width: 4, channels: 1 });

    expect(padded.shape).toEqual({ height: 5, width: 4, channels: 1 });
    expect([...(await padded.train.read(Int32Array.of(0)))]).toEqual(
      // biome-ignore format: rows of the image
      [
        0, 0, 0, 0,
        0, 9, 9, 0,
        0, 9, 9, 0,
        0, 0, 0, 0,
        0, 0, 0, 0,
      ],
    );
    expect(padded.digest).not.toBe(dataset.digest);
  });

  it('gives the data set itself for its own size', () => {
    expect(padDataset(dataset, { height: 2, width: 2, channels: 1 })).toBe(dataset);
  });

  it.each([
    [{ height: 2, width: 1, channels: 1 }],
    [{ height: 1, width: 2, channels: 1 }],
    [{ height: 2, width: 2, channels: 3 }],
  ])('refuses %o, naming both sizes', (shape) => {
    expect(() => padDataset(dataset, shape)).toThrowError(
      expect.objectContaining({
        code: 'unsupported_image_size',
        message: `fake holds 2 x 2 x 1 images; ${shape.height} x ${shape.width} x ${shape.channels} was asked for`,
      }),
    );
  });
});

describe('padImages', () => {
  it('keeps the channels of a pixel together', () => {
    const from = { height: 1, width: 1, channels: 3 };

    const padded = padImages(Uint8Array.of(1, 2, 3, 4, 5, 6), from, { height: 1, width: 2, channels: 3 });

    expect([...padded]).toEqual([1, 2, 3, 0, 0, 0, 4, 5, 6, 0, 0, 0]);
  });
});
