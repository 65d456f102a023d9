/** Side of SSIM's Gaussian window. */
export const SSIM_WINDOW = 11;
