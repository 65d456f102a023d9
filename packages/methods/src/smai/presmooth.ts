import type { ImageShape } from '../method.js';

/**
 * Gaussian blur of one image on the CPU, borders repeated, cut at 3 sigma.
 *
 * @param pixels `[height, width, channels]` row-major; left alone.
 * @param sigma in pixels; 0 returns the pixels themselves.
 */
export function presmooth(pixels: Float32Array, { height, width, channels }: ImageShape, sigma: number): Float32Array {
  if (sigma === 0) return pixels;
  const radius = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const blur = (source: Float32Array, step: number, positions: number) =>
    source.map((_, i) => {
      const position = Math.floor(i / step) % positions;
      let sum = 0;
      for (let k = -radius; k <= radius; k++) {
        const inside = Math.min(positions - 1, Math.max(0, position + k));
        sum += weights[k + radius]! * source[i + (inside - position) * step]!;
      }
      return sum / total;
    });
  return blur(blur(pixels, channels, width), width * channels, height);
}
