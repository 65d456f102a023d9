import type { RandomGenerator } from '@adctl/random';
import type { ImageShape } from '../method.js';

/** One patch of a training image. */
export interface Crop {
  /** Position in the list of training images. */
  readonly image: number;
  /** Top left corner in pixels; of a rotated crop, of the upright square with the same centre. */
  readonly top: number;
  readonly left: number;
  /** In radians. */
  readonly angle: number;
}

export interface CropOptions {
  readonly imageCount: number;
  readonly shape: ImageShape;
  readonly patchSize: number;
  readonly crops: number;
  readonly rotate: boolean;
  readonly generator: RandomGenerator;
}

/** Random crops, in the order of their images, so that each image is read once. */
export function drawCrops({ imageCount, shape, patchSize, crops, rotate, generator }: CropOptions): Crop[] {
  // Rotated, a square stays inside its circumscribed circle.
  const margin = rotate ? Math.ceil(((Math.SQRT2 - 1) / 2) * patchSize) : 0;
  const place = (side: number) => {
    const room = side - patchSize - 2 * margin;
    return room < 0 ? Math.floor((side - patchSize) / 2) : margin + generator.integer(room + 1);
  };
  const drawn = Array.from({ length: crops }, (): Crop => {
    const image = generator.integer(imageCount);
    const [top, left] = [place(shape.height), place(shape.width)];
    return { image, top, left, angle: rotate ? 2 * Math.PI * generator.uniform() : 0 };
  });
  return drawn.sort((a, b) => a.image - b.image);
}

/**
 * Copies a crop out of an image, bilinearly where it is rotated; beyond the border the nearest pixel counts.
 * @param pixels `[height, width, channels]` row-major.
 * @param target receives `[patchSize, patchSize, channels]` at the offset.
 */
export function copyCrop(
  pixels: Float32Array,
  { height, width, channels }: ImageShape,
  { top, left, angle }: Crop,
  patchSize: number,
  { target, offset }: { readonly target: Float32Array; readonly offset: number },
): void {
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const centre = (patchSize - 1) / 2;
  const at = (y: number, x: number, channel: number) =>
    pixels[(clamp(y, height) * width + clamp(x, width)) * channels + channel]!;
  for (let row = 0; row < patchSize; row++) {
    for (let column = 0; column < patchSize; column++) {
      const [dy, dx] = [row - centre, column - centre];
      const y = top + centre + cosine * dy - sine * dx;
      const x = left + centre + sine * dy + cosine * dx;
      const [y0, x0] = [Math.floor(y), Math.floor(x)];
      const [fy, fx] = [y - y0, x - x0];
      for (let channel = 0; channel < channels; channel++) {
        const upper = at(y0, x0, channel) * (1 - fx) + (fx === 0 ? 0 : at(y0, x0 + 1, channel) * fx);
        const lower = fy === 0 ? 0 : at(y0 + 1, x0, channel) * (1 - fx) + at(y0 + 1, x0 + 1, channel) * fx;
        target[offset + (row * patchSize + column) * channels + channel] = upper * (1 - fy) + lower * fy;
      }
    }
  }
}

function clamp(position: number, side: number): number {
  return Math.min(Math.max(position, 0), side - 1);
}
