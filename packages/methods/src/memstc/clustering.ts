import type { RandomGenerator } from '@adctl/random';

const LLOYD_ITERATIONS = 20;

/**
 * k-means of pixel colours (spec, "Structure extractors"): 20 Lloyd iterations from centres equally spaced between the
 * extremes (one channel) or chosen by k-means++ (several). A cluster that loses all its colours keeps its centre.
 *
 * @param colours `[count, channels]` row-major, count at least 1.
 * @param classes at least 2.
 * @returns centres, `[classes, channels]` row-major.
 */
export function clusterColours(
  colours: Float32Array,
  channels: number,
  classes: number,
  generator: RandomGenerator,
): Float32Array {
  let centres =
    channels === 1 ? spacedCentres(colours, classes) : distantCentres(colours, channels, classes, generator);
  for (let iteration = 0; iteration < LLOYD_ITERATIONS; iteration++) {
    const moved = moveCentres(colours, channels, centres);
    // Nothing would move in the iterations that are left either.
    if (moved.every((value, i) => value === centres[i])) break;
    centres = moved;
  }
  return centres;
}

function spacedCentres(colours: Float32Array, classes: number): Float32Array {
  const low = colours.reduce((a, b) => Math.min(a, b));
  const high = colours.reduce((a, b) => Math.max(a, b));
  return Float32Array.from({ length: classes }, (_, k) => low + ((high - low) * k) / (classes - 1));
}

/** k-means++: every further centre is a colour drawn in proportion to its squared distance from the nearest so far. */
function distantCentres(
  colours: Float32Array,
  channels: number,
  classes: number,
  generator: RandomGenerator,
): Float32Array {
  const count = colours.length / channels;
  const centres = new Float32Array(classes * channels);
  const nearest = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  let chosen = generator.integer(count);
  for (let k = 0; k < classes; k++) {
    centres.set(colours.subarray(chosen * channels, (chosen + 1) * channels), k * channels);
    let total = 0;
    for (let i = 0; i < count; i++) {
      nearest[i] = Math.min(nearest[i]!, squaredDistance(colours, i * channels, centres, k * channels, channels));
      total += nearest[i]!;
    }
    let left = generator.uniform() * total;
    chosen = 0;
    // Ends at the last colour even when rounding leaves a rest.
    while (chosen < count - 1 && left >= nearest[chosen]!) left -= nearest[chosen++]!;
  }
  return centres;
}

/** One Lloyd iteration: every colour joins its nearest centre, every centre becomes the mean of its colours. */
function moveCentres(colours: Float32Array, channels: number, centres: Float32Array): Float32Array {
  const classes = centres.length / channels;
  const sums = new Float64Array(centres.length);
  const counts = new Float64Array(classes);
  for (let start = 0; start < colours.length; start += channels) {
    let best = 0;
    let bestDistance = Number.POSITIVE_INFINITY;
    for (let k = 0; k < classes; k++) {
      const distance = squaredDistance(colours, start, centres, k * channels, channels);
      if (distance < bestDistance) {
        best = k;
        bestDistance = distance;
      }
    }
    counts[best]! += 1;
    for (let c = 0; c < channels; c++) sums[best * channels + c]! += colours[start + c]!;
  }
  return centres.map((old, i) => {
    const count = counts[Math.floor(i / channels)]!;
    return count === 0 ? old : sums[i]! / count;
  });
}

function squaredDistance(a: Float32Array, aStart: number, b: Float32Array, bStart: number, channels: number): number {
  let sum = 0;
  for (let c = 0; c < channels; c++) {
    const difference = a[aStart + c]! - b[bStart + c]!;
    sum += difference * difference;
  }
  return sum;
}
