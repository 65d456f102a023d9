import { type Corruption, toByte, uniformIn } from './corruption.js';

/**
 * A spot. It is never invisible: the shift goes away from the nearer end of the range, so the values inside have on average at
 * least 127 levels of room.
 */
export const stain: Corruption = {
  name: 'stain',
  description:
    'An ellipse of 5 to 15 %, turned by any angle, made brighter where it is dark and darker where it is bright on average, by ' +
    '96 to 160 levels.',
  apply({ source, shape, generator }) {
    const { height, width, channels } = shape;
    const area = uniformIn(generator, 0.05, 0.15) * height * width;
    const aspect = uniformIn(generator, 1, 2.5);
    const minor = Math.sqrt(area / (Math.PI * aspect));
    const major = minor * aspect;
    const angle = uniformIn(generator, 0, Math.PI);
    // The centre stays far enough from the edge for at least half the ellipse to show.
    const centre = { row: uniformIn(generator, 0.2, 0.8) * height, column: uniformIn(generator, 0.2, 0.8) * width };
    const inside: number[] = [];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const down = row - centre.row;
        const right = column - centre.column;
        const along = (right * Math.cos(angle) + down * Math.sin(angle)) / major;
        const across = (down * Math.cos(angle) - right * Math.sin(angle)) / minor;
        if (along ** 2 + across ** 2 > 1) continue;
        const offset = (row * width + column) * channels;
        for (let channel = 0; channel < channels; channel++) inside.push(offset + channel);
      }
    }
    const mean = inside.reduce((sum, offset) => sum + source[offset]!, 0) / inside.length;
    const shift = uniformIn(generator, 96, 160) * (mean < 128 ? 1 : -1);
    const result = source.slice();
    for (const offset of inside) result[offset] = toByte(source[offset]! + shift);
    return result;
  },
};
