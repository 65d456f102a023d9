/**
 * What an image is judged by; the first is the method's own. `direct` is the error of the autoencoder path, which looks
 * at no memory.
 */
export const SCORE_NAMES = ['combined', 'pixel', 'structure', 'retrieval', 'direct'] as const;
export type ScoreName = (typeof SCORE_NAMES)[number];
