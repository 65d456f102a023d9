import { mean, standardDeviation } from './moments.js';

/** Mean of a few values (seeds) with a confidence interval for it. */
export interface MeanInterval {
  readonly mean: number;
  /** Sample standard deviation (n - 1). */
  readonly std: number;
  readonly lower: number;
  readonly upper: number;
}

/**
 * P(|T| < t) for Student's t with whole degrees of freedom: the finite series of Abramowitz and Stegun 26.7.3 and
 * 26.7.4, whose terms are all positive, so nothing cancels.
 *
 * @param t not negative.
 * @param degrees a positive integer.
 */
export function studentCentral(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const cosine = Math.cos(angle);
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= ((k - 1) / k) * cosine * cosine;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}

/** Leaderboards ask for the same few values thousands of times. */
const CRITICAL_VALUES = new Map<string, number>();

/**
 * The t for which P(|T| < t) = `level`, by bisection to the last bit.
 *
 * @param level in (0, 1), e.g. 0.95.
 * @param degrees a positive integer.
 * @throws RangeError for arguments outside these.
 */
export function studentCritical(level: number, degrees: number): number {
  if (!(level > 0 && level < 1)) throw new RangeError(`level must be in (0, 1), got ${level}`);
  if (!Number.isInteger(degrees) || degrees < 1) throw new RangeError(`degrees must be at least 1, got ${degrees}`);
  const key = `${level} ${degrees}`;
  const known = CRITICAL_VALUES.get(key);
  if (known !== undefined) return known;
  const value = bisect((t) => studentCentral(t, degrees) < level);
  CRITICAL_VALUES.set(key, value);
  return value;
}

/** The smallest positive number for which `isBelow` is false, for a predicate that changes once. */
function bisect(isBelow: (value: number) => boolean): number {
  let low = 0;
  let high = 1;
  while (isBelow(high)) high *= 2;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (isBelow(middle)) low = middle;
    else high = middle;
  }
}

/**
 * Mean, standard deviation and Student-t interval.
 * @param values at least two, finite.
 * @throws AdctlError `undefined_metric` for fewer or non-finite values.
 */
export function studentInterval(values: readonly number[], level = 0.95): MeanInterval {
  const std = standardDeviation(values);
  const center = mean(values);
  const half = (studentCritical(level, values.length - 1) * std) / Math.sqrt(values.length);
  return { mean: center, std, lower: center - half, upper: center + half };
}
