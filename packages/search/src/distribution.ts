import {
  type HyperparameterValue,
  leafSize,
  type Range,
  rangeProblem,
  rangeValue,
  type SpaceLeaf,
} from '@adctl/protocol';
import type { RandomGenerator } from '@adctl/random';

/** Where one hyperparameter's values come from, ready to use. */
export interface LeafDistribution {
  /** How many values there are; Infinity for a continuous range. */
  readonly size: number;
  /** The value at a position, 0 .. size - 1; of finite distributions only. */
  at(index: number): HyperparameterValue;
  /** One value, uniform over the values or, for a range, over its scale. */
  sample(generator: RandomGenerator): HyperparameterValue;
}

/**
 * Builds a distribution that has checked itself.
 * @throws RangeError naming the contradiction; sweep files are checked before, so this is a card's mistake.
 */
export function createDistribution(plain: SpaceLeaf['distribution']): LeafDistribution {
  if ('values' in plain) {
    const { values } = plain;
    if (values.length === 0) throw new RangeError('a distribution needs at least one value');
    const at = (index: number) => values[index] as HyperparameterValue;
    return { size: values.length, at, sample: (generator) => at(generator.integer(values.length)) };
  }
  const { range } = plain;
  const problem = rangeProblem(range, false);
  if (problem !== undefined) throw new RangeError(`the range ${problem.message} (${problem.suggestion})`);
  const size = leafSize(plain) ?? Number.POSITIVE_INFINITY;
  const oneByOne = range.integer === true && range.count === undefined && range.step === undefined;
  const countedOut = size !== Number.POSITIVE_INFINITY && !(oneByOne && range.scale === 'log') && size <= 0x100000000;
  return {
    size,
    at: (index) => rangeValue(range, index),
    sample: (generator) =>
      countedOut ? rangeValue(range, generator.integer(size)) : sampleRange(range, generator.uniform()),
  };
}

/** Maps a uniform number in [0, 1) onto the range's scale. */
function sampleRange({ from, to, scale, integer }: Range, uniform: number): number {
  const place = (low: number, high: number) =>
    scale === 'log' ? low * (high / low) ** uniform : low + (high - low) * uniform;
  if (integer === true) return Math.min(to, Math.max(from, Math.floor(place(from, to + 1))));
  return Math.min(to, Math.max(from, place(from, to)));
}
