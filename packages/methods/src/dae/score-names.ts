/** How a map of squared errors becomes a score; the first is the method's own. */
export const SCORE_NAMES = ['mean', 'max', 'top1%'] as const;
export type ScoreReduction = (typeof SCORE_NAMES)[number];
