import { between } from '../canvas.js';
import { coverOf, type Defect } from '../defect.js';
import { bentLine, drawPlace } from '../outlines.js';

export const scratch: Defect = {
  name: 'scratch',
  description: 'A bent line, 25 to 55 % of the side long and 2 to 4 % wide, brighter or darker than what it crosses.',
  draw({ canvas }, generator) {
    const { size, channels, values } = canvas;
    const [x, y] = drawPlace(generator, 0.25);
    const angle = between(generator, 0, Math.PI);
    const half = between(generator, 0.125, 0.275);
    const bend = between(generator, -0.1, 0.1);
    const [right, down] = [Math.cos(angle), Math.sin(angle)];
    const line = bentLine(
      [
        [x - half * right, y - half * down],
        [x - bend * down, y + bend * right],
        [x + half * right, y + half * down],
      ],
      between(generator, 0.01, 0.02),
    );
    const shift = between(generator, 0.2, 0.4) * (generator.uniform() < 0.5 ? -1 : 1);
    return {
      cover: coverOf(size, line),
      colourAt: (_x, _y, at) => Array.from(values.subarray(at, at + channels), (value) => value + shift),
    };
  },
};
