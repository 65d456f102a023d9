export { auroc } from './auroc.js';
export { averagePrecision } from './average-precision.js';
export { type BootstrapOptions, bootstrapAuroc } from './bootstrap.js';
export { CALIBRATION_SHARES, calibrate } from './calibration.js';
export { type CheckpointChooser, type CheckpointChooserState, createCheckpointChooser } from './checkpoint-rule.js';
export { type F1Max, f1Max } from './f1-max.js';
export { fprAtTpr } from './fpr-at-tpr.js';
export { type ScoreHistogram, scoreHistogram } from './histogram.js';
export type { Numbers } from './labelled-scores.js';
export {
  type ExpectedTrials,
  foldLeaderboard,
  foldTotals,
  type LeaderboardInput,
  type LeaderboardOptions,
} from './leaderboard.js';
export type { FigureLookup, LeaderboardResult } from './leaderboard-row.js';
export { computeLocalisation, type MappedTruth, PRO_LIMIT } from './localisation.js';
export { mean, quantileOfSorted, standardDeviation } from './moments.js';
export { type RocPoint, rocCurve } from './roc-curve.js';
export { type EndingCounts, SearchTotaller, type SearchTotals } from './search-totals.js';
export { FEWEST_SEEDS_FOR_SPREAD, summarizeSeeds } from './seed-summary.js';
export { type MeanInterval, studentCritical, studentInterval } from './student-t.js';
export { computeTestMetrics } from './test-metrics.js';
