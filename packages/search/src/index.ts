export type { Distribution, SearchSpace } from './search-space.js';
