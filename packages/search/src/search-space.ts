import type { HyperparameterValue, MethodSpace, SearchSpace } from '@adctl/protocol';

export type { Distribution, MethodSpace, PartialPoint, Range, SearchSpace } from '@adctl/protocol';

/** One choice of hyperparameters: a value for each that exists; groups are nested. */
export interface Point {
  readonly [name: string]: HyperparameterValue | Point;
}

/** A space alone, nothing zipped or excluded. */
export function toMethodSpace(space: SearchSpace): MethodSpace {
  return { space, zip: [], exclude: [] };
}
