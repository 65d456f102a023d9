import { between } from '../canvas.js';
import { coverOf, type Defect } from '../defect.js';
import { box, drawPlace } from '../outlines.js';

export const misprint: Defect = {
  name: 'misprint',
  description:
    'A patch, 22 to 38 % of the side, where the pattern stands turned by a right angle and out of place: every grey level is right.',
  draw({ canvas }, generator) {
    const { size, channels, values } = canvas;
    const half = [between(generator, 0.11, 0.19), between(generator, 0.11, 0.19)] as const;
    const outline = box(drawPlace(generator, 0.22), half, 0, 0.02);
    const [down, right] = [generator.integer(size), generator.integer(size)];
    return {
      cover: coverOf(size, outline),
      colourAt(_x, _y, at) {
        const pixel = at / channels;
        const [row, column] = [(Math.floor(pixel / size) + right) % size, ((pixel % size) + down) % size];
        const from = (column * size + row) * channels;
        return Array.from(values.subarray(from, from + channels));
      },
    };
  },
};
