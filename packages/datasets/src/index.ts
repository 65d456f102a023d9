export type { Dataset, ImageShape, Subset } from './dataset.js';
export type { ImageList, Splits, TestSplit } from './splits.js';
