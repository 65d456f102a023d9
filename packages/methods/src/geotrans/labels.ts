import { createGenerator } from '@adctl/random';

/**
 * Which transformation each training image is shown under in one pass: every image goes through a random permutation of
 * all transformations, a new one when it is through. So as many passes as there are transformations show every pair of
 * image and transformation once, in random order: one epoch of the paper. A function of seed, image and pass alone.
 *
 * @param positions of the images in the training set.
 * @param pass from 1.
 * @returns labels, `[positions.length]`.
 */
export function drawLabels(
  positions: Int32Array,
  { seed, pass, count }: { readonly seed: number; readonly pass: number; readonly count: number },
): Int32Array {
  const round = Math.floor((pass - 1) / count);
  const place = (pass - 1) % count;
  return positions.map((image) => createGenerator(seed, 'transformations', round, image).permutation(count)[place]!);
}
