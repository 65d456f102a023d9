import { type Corruption, drawRegion, eachValue, toByte } from './corruption.js';

/** A smear. */
export const blur: Corruption = {
  name: 'blur',
  description:
    'In a rectangle of 15 to 40 %, each pixel becomes the mean of a square around it, a quarter of the image wide.',
  apply({ source, shape, generator }) {
    const { height, width, channels } = shape;
    const region = drawRegion(generator, shape, [0.15, 0.4]);
    const reach = Math.max(1, Math.round(Math.min(height, width) / 8));
    const sums = integralImage(source, shape);
    const result = source.slice();
    eachValue(shape, region, (offset, channel) => {
      const pixel = Math.floor(offset / channels);
      const row = Math.floor(pixel / width);
      const column = pixel % width;
      const top = Math.max(0, row - reach);
      const left = Math.max(0, column - reach);
      const bottom = Math.min(height, row + reach + 1);
      const right = Math.min(width, column + reach + 1);
      const sum = (r: number, c: number) => sums[(r * (width + 1) + c) * channels + channel]!;
      const total = sum(bottom, right) - sum(top, right) - sum(bottom, left) + sum(top, left);
      result[offset] = toByte(total / ((bottom - top) * (right - left)));
    });
    return result;
  },
};

/** float64 `[height + 1, width + 1, channels]`: at (r, c) the sum of all pixels above r and left of c. */
function integralImage(
  image: Uint8Array,
  { height, width, channels }: { readonly height: number; readonly width: number; readonly channels: number },
): Float64Array {
  const stride = (width + 1) * channels;
  const sums = new Float64Array((height + 1) * stride);
  for (let row = 0; row < height; row++) {
    for (let value = 0; value < width * channels; value++) {
      const at = (row + 1) * stride + channels + value;
      sums[at] =
        image[row * width * channels + value]! +
        sums[at - channels]! +
        sums[at - stride]! -
        sums[at - stride - channels]!;
    }
  }
  return sums;
}
