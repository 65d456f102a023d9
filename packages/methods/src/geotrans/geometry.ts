import type { ImageShape } from '../method.js';

/** The classifier's last map has a quarter of the side and is pooled over 8x8. */
const SIDE_STEP = 32;

/** Side of the square that the classifier sees: the smallest multiple of 32 that holds the image, 32 or 64 in the paper. */
export function sideOf({ height, width }: ImageShape): number {
  return SIDE_STEP * Math.ceil(Math.max(height, width) / SIDE_STEP);
}

/** Images scored at once: an activation of WRN-16-8 takes 2 MB an image at 64x64. */
export function imagesAtOnce(input: ImageShape): number {
  return sideOf(input) > 32 ? 64 : 256;
}
