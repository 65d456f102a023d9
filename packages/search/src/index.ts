export { createDistribution, type LeafDistribution } from './distribution.js';
export { createGrid, type Grid } from './grid.js';
export { createRandomSearch } from './random.js';
export { chooseFinalists, type RankedConfiguration, rankConfigurations } from './rank-configurations.js';
export { createFifoScheduler } from './schedulers/fifo.js';
export type { Scheduler, SchedulerDecision, SchedulerReport } from './schedulers/scheduler.js';
export { createSearch } from './search.js';
export {
  type Distribution,
  type MethodSpace,
  type PartialPoint,
  type Point,
  type Range,
  type SearchSpace,
  toMethodSpace,
} from './search-space.js';
export { type DrawSeedsOptions, drawSeeds } from './seeds.js';
