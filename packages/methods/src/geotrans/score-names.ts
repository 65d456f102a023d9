/**
 * `dirichlet` and `simple` are the paper's scores over all transformations. `turns` is `simple` over the four pure quarter
 * turns alone: cheap, and needs no fit, so it watches the epochs (ours).
 */
export const SCORE_NAMES = ['dirichlet', 'simple', 'turns'] as const;
export type ScoreName = (typeof SCORE_NAMES)[number];
