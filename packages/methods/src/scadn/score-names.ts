/** How the error maps of the scales become one; the first is the method's own. */
export const SCORE_NAMES = ['select', 'mean', 'normMean'] as const;
export type ScaleFusion = (typeof SCORE_NAMES)[number];
