/**
 * `drx` is minus the logit of D(R(x)), the method's own; `dx` minus that of D(x); `rec` the mean squared difference of x and
 * R(x), a diagnostic. All higher for anomalies.
 */
export const SCORE_NAMES = ['drx', 'dx', 'rec'] as const;
export type ScoreName = (typeof SCORE_NAMES)[number];
