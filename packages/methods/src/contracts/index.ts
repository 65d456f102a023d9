export { describeCards } from './card-checks.js';
export { describeLearning } from './learning-check.js';
export { describeModel } from './model-checks.js';
export type { ContractHost } from './settings.js';
