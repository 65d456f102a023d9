/** Error inside a restored superpixel, then how the errors become one score. The first is the method's own. */
export const SCORE_NAMES = ['l2_sum', 'l2_max', 'l2_top3', 'ssim_sum', 'ssim_max', 'ssim_top3'] as const;
export type ScoreName = (typeof SCORE_NAMES)[number];
export type ErrorKind = 'l2' | 'ssim';
export type Reduction = 'sum' | 'max' | 'top3';
