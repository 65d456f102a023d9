/**
 * `anomaly` mixes reconstruction error and feature distance by `scoreLambda` and is the method's own; `even` mixes them
 * half and half, the last two are the parts alone: the lambdas 0.5, 1 and 0 at no extra training.
 */
export const SCORE_NAMES = ['anomaly', 'even', 'reconstruction', 'latent'] as const;
export type ScoreName = (typeof SCORE_NAMES)[number];
