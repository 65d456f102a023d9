import type { Range } from './search-space.js';

/** Why a range cannot be used. */
export interface RangeProblem {
  /** The member at fault, where it is one. */
  readonly key?: keyof Range;
  readonly message: string;
  readonly suggestion: string;
}

/**
 * Checks what a schema cannot say about a range.
 * @param grid whether it must be countable: a random search takes any range.
 * @returns the first problem, or undefined.
 */
export function rangeProblem(range: Range, grid: boolean): RangeProblem | undefined {
  const { from, to, step, count, scale = 'linear', integer = false } = range;
  if (!(from < to)) return { key: 'to', message: `ends at ${to}, not above ${from}`, suggestion: 'from < to' };
  if (scale === 'log' && from <= 0) {
    return { key: 'from', message: `is logarithmic and starts at ${from}`, suggestion: 'from > 0, or scale: linear' };
  }
  if (integer && !(Number.isSafeInteger(from) && Number.isSafeInteger(to))) {
    return { message: 'is of whole numbers and has a bound that is not', suggestion: 'whole from and to' };
  }
  if (step !== undefined && count !== undefined) {
    return { key: 'count', message: 'has both step and count', suggestion: 'keep one' };
  }
  if (step !== undefined) {
    if (scale === 'log') return { key: 'step', message: 'is logarithmic and has a step', suggestion: 'use count' };
    if (integer && !Number.isSafeInteger(step)) {
      return { key: 'step', message: `is of whole numbers and has step ${step}`, suggestion: 'a whole step' };
    }
    const steps = (to - from) / step;
    if (Math.abs(steps - Math.round(steps)) > 1e-9 * Math.max(1, steps) || steps < 1 - 1e-9) {
      const last = Number((from + Math.max(1, Math.floor(steps)) * step).toPrecision(12));
      return { key: 'step', message: `is not a whole number of steps of ${step}`, suggestion: `to: ${last}` };
    }
    if (!Number.isSafeInteger(Math.round(steps))) {
      return { key: 'step', message: 'has too many steps to count', suggestion: 'a larger step' };
    }
  }
  if (integer && count !== undefined && count > to - from + 1) {
    return { key: 'count', message: `holds fewer than ${count} whole numbers`, suggestion: `count: ${to - from + 1}` };
  }
  if (grid && step === undefined && count === undefined && !(integer && scale === 'linear')) {
    return { message: 'has no end of values and a grid needs one', suggestion: 'add count: 5, or step' };
  }
  return undefined;
}

/**
 * How many values a countable range has (count, step or integer). Ask `rangeProblem` first.
 * @returns a positive integer.
 */
export function rangeSize(range: Range): number {
  if (range.count !== undefined) return range.count;
  return Math.round((range.to - range.from) / (range.step ?? 1)) + 1;
}

/**
 * The value at one position of a countable range; the two ends are exact. With a step, rounded to the decimals that
 * `from` and `step` are written with, so that 0.1 + 2 · 0.1 reads 0.3; with a count, to 12 significant digits, and what
 * is only rounding noise around zero is zero. A logarithmic range of whole numbers without count is counted through one by one.
 * @param index 0 .. rangeSize - 1.
 */
export function rangeValue(range: Range, index: number): number {
  const { from, to, step, count, integer = false } = range;
  const last = rangeSize(range) - 1;
  if (index === 0) return from;
  if (index === last) return to;
  if (step !== undefined) return Number((from + index * step).toFixed(Math.max(decimalsOf(from), decimalsOf(step))));
  const share = index / last;
  const value = range.scale === 'log' && count !== undefined ? from * (to / from) ** share : from + (to - from) * share;
  if (integer) return Math.round(value);
  return Math.abs(value) < 1e-13 * Math.max(Math.abs(from), Math.abs(to)) ? 0 : Number(value.toPrecision(12));
}

/** Decimals of the shortest text that reads as this number, at most 100. */
function decimalsOf(value: number): number {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const written = mantissa.split('.')[1]?.length ?? 0;
  return Math.min(100, Math.max(0, written - Number(exponent)));
}
