import type { Reduction } from './score-names.js';
import type { Superpixels } from './slic.js';

/** e_k: the mean of a map over each superpixel, by label. `map` is `[height * width]`. */
export function superpixelMeans(map: Float32Array, { labels, count }: Superpixels): Float64Array {
  const sums = new Float64Array(count);
  const sizes = new Int32Array(count);
  for (let i = 0; i < labels.length; i++) {
    sums[labels[i]!]! += map[i]!;
    sizes[labels[i]!]!++;
  }
  return sums.map((sum, k) => sum / sizes[k]!);
}

/**
 * One score of an image from its error map `[height * width]`: `sum` is the error of all superpixels per pixel of the
 * image, which does not depend on how many there are; `max` the largest e_k; `top3` the mean of the three largest.
 */
export function reduceErrors(map: Float32Array, superpixels: Superpixels, reduction: Reduction): number {
  if (reduction === 'sum') return map.reduce((sum, value) => sum + value, 0) / map.length;
  const largest = superpixelMeans(map, superpixels)
    .sort()
    .slice(reduction === 'max' ? -1 : -3);
  return largest.reduce((sum, value) => sum + value, 0) / largest.length;
}

/** The map with every pixel replaced by the mean of its superpixel. */
export function flattenSuperpixels(map: Float32Array, superpixels: Superpixels): Float32Array {
  const means = superpixelMeans(map, superpixels);
  return map.map((_, i) => means[superpixels.labels[i]!]!);
}
