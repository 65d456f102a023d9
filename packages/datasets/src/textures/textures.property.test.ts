import { sha256 } from '@adctl/protocol';
import { describe, expect, it } from 'vitest';
import {
  drawTextureImage,
  LEAST_CHANGE,
  LEAST_SHARE,
  measureChange,
  TEXTURE_DEFECTS,
  TEXTURE_FAMILIES,
} from './draw-image.js';

const SIZE = 32;
const pairs = TEXTURE_FAMILIES.flatMap((family) => TEXTURE_DEFECTS.map((defect) => ({ family, defect })));
const request = (seed: number, index = 0) => ({ seed, size: SIZE, part: 'test' as const, index });

describe.each(TEXTURE_FAMILIES)('the family $name', (family) => {
  it('paints the same bytes for the same request, others for another seed, part or index', () => {
    const draw = (change: object) => sha256(drawTextureImage({ ...request(3), family, ...change }).pixels);
    const all = [draw({}), draw({ seed: 4 }), draw({ part: 'train' }), draw({ index: 1 })];

    expect(draw({})).toBe(all[0]);
    expect(new Set(all).size).toBe(4);
  });

  it('fills the range of grey levels without clipping much of it', () => {
    const { pixels } = drawTextureImage({ ...request(5), family });
    const atEnds = pixels.filter((value) => value === 0 || value === 255).length;

    expect(pixels).toHaveLength(SIZE * SIZE * family.channels);
    expect(Math.max(...pixels) - Math.min(...pixels)).toBeGreaterThan(80);
    expect(atEnds / pixels.length).toBeLessThan(0.03);
  });
});

describe.each(pairs)('$defect.name on $family.name', ({ family, defect }) => {
  it.each([1, 2, 3])('is seen under its mask and nowhere else (seed %i)', (seed) => {
    const { pixels, mask } = drawTextureImage({ ...request(seed), family, defect });
    const { clean, covered } = undamaged(seed, family, defect);

    expect(mask).toBeDefined();
    expect(new Set(mask)).toEqual(new Set([0, 255]));
    const { share, change } = measureChange(clean, pixels, mask!);
    expect(share).toBeGreaterThanOrEqual(LEAST_SHARE);
    expect(share).toBeLessThan(0.3);
    expect(change).toBeGreaterThanOrEqual(LEAST_CHANGE);
    expect(outside(clean, mask!)).toEqual(outside(pixels, mask!));
    expect(covered(mask!)).toBeGreaterThan(0.5);
  });
});

/** The same piece before it was damaged, painted through the family itself. */
function undamaged(seed: number, family: (typeof pairs)[number]['family'], defect: (typeof pairs)[number]['defect']) {
  const untouched = { ...defect, draw: (texture: Parameters<typeof defect.draw>[0]) => whole(texture) };
  const whole = ({ canvas }: Parameters<typeof defect.draw>[0]) => ({
    cover: new Float32Array(canvas.size ** 2).fill(1),
    colourAt: (_x: number, _y: number, at: number) =>
      Array.from(canvas.values.subarray(at, at + canvas.channels), (value) => 1 - value),
  });
  const negative = drawTextureImage({ ...request(seed), family, defect: untouched }).pixels;
  const clean = negative.map((value) => 255 - value);
  const { pixels } = drawTextureImage({ ...request(seed), family, defect });
  const changedShare = (mask: Uint8Array) => {
    const under = [...mask.keys()].filter((pixel) => mask[pixel] !== 0);
    const changed = under.filter((pixel) =>
      Array.from({ length: family.channels }, (_, c) => pixel * family.channels + c).some(
        (at) => Math.abs(clean[at]! - pixels[at]!) > 1,
      ),
    );
    return changed.length / under.length;
  };
  return { clean, covered: changedShare };
}

/** Pixels outside the mask; the negative of a negative may be one level off where rounding fell on a half. */
function outside(pixels: Uint8Array, mask: Uint8Array): number[] {
  const channels = pixels.length / mask.length;
  return [...pixels].filter((_, at) => mask[Math.floor(at / channels)] === 0);
}
