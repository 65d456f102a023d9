import { z } from 'zod';

/** Milliseconds of each unit, largest first: the order in which units stand in a duration. */
const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** `1d12h`, `2h`, `90s`, `1m30s`, `250ms`: whole numbers, units in falling order, each at most once, not all zero. */
export const DURATION_PATTERN =
  /^(?=.*[1-9])(?:[0-9]{1,6}d)?(?:[0-9]{1,6}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,6}s)?(?:[0-9]{1,6}ms)?$/;

/** A length of time as people write it in files, e.g. `2h`. */
export const Duration = z
  .string('must be a duration such as 2h, 90s or 1d12h')
  .regex(DURATION_PATTERN, 'must be a duration such as 2h, 90s or 1d12h');
export type Duration = z.infer<typeof Duration>;

/**
 * Milliseconds of a duration.
 * @throws RangeError when the text does not match `DURATION_PATTERN`.
 */
export function toMilliseconds(duration: string): number {
  if (!DURATION_PATTERN.test(duration)) throw new RangeError(`not a duration: ${JSON.stringify(duration)}`);
  let total = 0;
  for (const [, digits, unit] of duration.matchAll(/([0-9]+)(ms|[dhms])/g)) {
    total += Number(digits) * (UNITS.find(([name]) => name === unit)?.[1] ?? 0);
  }
  return total;
}

/**
 * The shortest duration text for whole milliseconds, e.g. 5,400,000 → `1h30m`.
 * @throws RangeError when `milliseconds` is not a positive integer.
 */
export function fromMilliseconds(milliseconds: number): Duration {
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 1) {
    throw new RangeError(`a duration is a positive whole number of milliseconds, got ${milliseconds}`);
  }
  let rest = milliseconds;
  let text = '';
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
