import { type Corruption, toByte, uniformIn } from './corruption.js';

/** After the scar variant of CutPaste (Li et al. 2021, arXiv:2104.04015); sizes relative to the image instead of in pixels. */
export const cutpasteScar: Corruption = {
  name: 'cutpaste-scar',
  description:
    'A strip cut from a normal image, 25 to 60 % of the image long and 4 to 10 % wide, turned by any angle, brightness changed ' +
    'by -30 % to +30 %, pasted at another place.',
  apply({ source, donor, shape, generator }) {
    const { height, width, channels } = shape;
    const size = Math.min(height, width);
    const halfLength = (uniformIn(generator, 0.25, 0.6) * size) / 2;
    const halfWidth = Math.max(0.75, (uniformIn(generator, 0.04, 0.1) * size) / 2);
    const angle = uniformIn(generator, 0, Math.PI);
    const cosine = Math.cos(angle);
    const sine = Math.sin(angle);
    const gain = uniformIn(generator, 0.7, 1.3);
    const target = { row: uniformIn(generator, 0, height), column: uniformIn(generator, 0, width) };
    const cut = { row: uniformIn(generator, 0, height), column: uniformIn(generator, 0, width) };
    const result = source.slice();
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        // Coordinates along and across the strip; the strip lies straight in the donor.
        const along = (row - target.row) * sine + (column - target.column) * cosine;
        const across = (row - target.row) * cosine - (column - target.column) * sine;
        if (Math.abs(along) > halfLength || Math.abs(across) > halfWidth) continue;
        const donorRow = clampIndex(cut.row + across, height);
        const donorColumn = clampIndex(cut.column + along, width);
        for (let channel = 0; channel < channels; channel++) {
          const value = donor[(donorRow * width + donorColumn) * channels + channel]!;
          result[(row * width + column) * channels + channel] = toByte(gain * value);
        }
      }
    }
    return result;
  },
};

function clampIndex(position: number, length: number): number {
  return Math.min(length - 1, Math.max(0, Math.round(position)));
}
