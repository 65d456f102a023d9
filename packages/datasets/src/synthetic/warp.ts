import type { ImageShape } from '../dataset.js';
import { type Corruption, toByte, uniformIn } from './corruption.js';

/** A smooth local push, as if the material had been dragged. */
export const warp: Corruption = {
  name: 'warp',
  description:
    'Inside a disc of radius 25 to 45 % of the image, pixels are pushed by up to 60 to 100 % of the radius, enough to fold; the ' +
    'push fades to zero at the rim. Bilinear sampling.',
  apply({ source, shape, generator }) {
    const { height, width, channels } = shape;
    const size = Math.min(height, width);
    const radius = uniformIn(generator, 0.25, 0.45) * size;
    const push = uniformIn(generator, 0.6, 1) * radius;
    const direction = uniformIn(generator, 0, 2 * Math.PI);
    const centre = { row: uniformIn(generator, 0.2, 0.8) * height, column: uniformIn(generator, 0.2, 0.8) * width };
    const result = source.slice();
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const distance = Math.hypot(row - centre.row, column - centre.column) / radius;
        if (distance >= 1) continue;
        const strength = push * (1 - distance ** 2) ** 2;
        const fromRow = row - strength * Math.sin(direction);
        const fromColumn = column - strength * Math.cos(direction);
        for (let channel = 0; channel < channels; channel++) {
          const offset = (row * width + column) * channels + channel;
          result[offset] = toByte(sampleBilinear(source, shape, { row: fromRow, column: fromColumn, channel }));
        }
      }
    }
    return result;
  },
};

/** Value between pixels; positions outside the image take its edge. */
function sampleBilinear(
  image: Uint8Array,
  { height, width, channels }: ImageShape,
  at: { readonly row: number; readonly column: number; readonly channel: number },
): number {
  const row = Math.min(height - 1, Math.max(0, at.row));
  const column = Math.min(width - 1, Math.max(0, at.column));
  const top = Math.min(height - 2, Math.floor(row));
  const left = Math.min(width - 2, Math.floor(column));
  const value = (r: number, c: number) => image[(r * width + c) * channels + at.channel]!;
  const upper = value(top, left) * (left + 1 - column) + value(top, left + 1) * (column - left);
  const lower = value(top + 1, left) * (left + 1 - column) + value(top + 1, left + 1) * (column - left);
  return upper * (top + 1 - row) + lower * (row - top);
}
