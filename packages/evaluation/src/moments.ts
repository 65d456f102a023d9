import { type Numbers, undefinedMetric } from './labelled-scores.js';

/**
 * Arithmetic mean.
 * @throws AdctlError `undefined_metric` when there is no value or one is not finite.
 */
export function mean(values: Numbers): number {
  if (values.length === 0) throw undefinedMetric('there are no values to average');
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw undefinedMetric(`value ${i} is ${values[i]}`, { index: i });
    sum += values[i] as number;
  }
  return sum / values.length;
}

/**
 * Sample standard deviation (n - 1), in two passes.
 * @throws AdctlError `undefined_metric` for fewer than two values or one that is not finite.
 */
export function standardDeviation(values: Numbers): number {
  if (values.length < 2) throw undefinedMetric('a standard deviation needs two values');
  const center = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += ((values[i] as number) - center) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * Value below which the given share lies, interpolated linearly between neighbours (Hyndman and Fan's type 7).
 * @param sorted ascending, finite, at least one value.
 * @param share in [0, 1].
 */
export function quantileOfSorted(sorted: Numbers, share: number): number {
  if (sorted.length === 0) throw undefinedMetric('there are no values to take a quantile of');
  if (!(share >= 0 && share <= 1)) throw new RangeError(`share must be in [0, 1], got ${share}`);
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}
