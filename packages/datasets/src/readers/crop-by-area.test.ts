import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cropByArea } from './crop-by-area.js';

const grey = (height: number, width: number) => ({ height, width, channels: 1 });

describe('cropByArea', () => {
  it('takes the mean of whole blocks', () => {
    const pixels = Uint8Array.of(0, 4, 10, 10, 8, 4, 10, 30);

    expect([...cropByArea(pixels, { height: 2, width: 4 }, grey(1, 2))]).toEqual([4, 15]);
  });

  it('weighs pixels that lie in two blocks by their share', () => {
    expect([...cropByArea(Uint8Array.of(0, 90, 30), { height: 1, width: 3 }, grey(2, 2))]).toEqual([90, 90, 90, 90]);
    const rows = Uint8Array.of(0, 0, 0, 90, 90, 90, 30, 30, 30);
    expect([...cropByArea(rows, { height: 3, width: 3 }, grey(2, 2))]).toEqual([30, 30, 50, 50]);
  });

  it('cuts the longer side equally at both ends', () => {
    const wide = Uint8Array.of(1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6);

    expect([...cropByArea(wide, { height: 2, width: 6 }, grey(2, 2))]).toEqual([3, 4, 3, 4]);
  });

  it('keeps channels apart', () => {
    const pixels = Uint8Array.of(0, 100, 200, 20, 120, 220);

    expect([...cropByArea(pixels, { height: 1, width: 2 }, { height: 1, width: 1, channels: 3 })]).not.toContain(0);
    expect([...cropByArea(pixels, { height: 1, width: 2 }, { height: 1, width: 2, channels: 3 })]).toEqual([...pixels]);
  });

  it('keeps a flat image flat, whatever the sizes', () => {
    const side = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(side, side, side, side, fc.nat(255), (height, width, toHeight, toWidth, level) => {
        const pixels = new Uint8Array(height * width).fill(level);
        const result = cropByArea(pixels, { height, width }, grey(toHeight, toWidth));

        expect(new Set(result)).toEqual(new Set([level]));
        expect(result).toHaveLength(toHeight * toWidth);
      }),
    );
  });
});
