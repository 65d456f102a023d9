import type { MethodSpace, Sweep } from '@adctl/protocol';
import { createGrid, type Grid } from './grid.js';
import { createRandomSearch } from './random.js';

/**
 * The configurations a sweep tries for one method, by position.
 * @throws AdctlError user as `createGrid` and `createRandomSearch` do, or for a method the sweep does not have.
 */
export function createSearch(search: Sweep['search'], method: string): Grid {
  const space: MethodSpace = search.spaces[method] ?? { space: {}, zip: [], exclude: [] };
  return search.algorithm === 'grid' ? createGrid(space) : createRandomSearch(space, search.seed, search.samples ?? 1);
}
