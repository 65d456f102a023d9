/** How an image and what the memory made of it become a score; the first is the method's own. */
export const SCORE_NAMES = ['mse', 'l2map', 'entropy', 'distance'] as const;
export type ScoreName = (typeof SCORE_NAMES)[number];
