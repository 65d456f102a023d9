import { between } from '../canvas.js';
import { coverOf, type Defect } from '../defect.js';
import { box, drawPlace } from '../outlines.js';

export const missingPart: Defect = {
  name: 'missing-part',
  description:
    'A piece of the pattern, 15 to 32 % of the side, is not there: the bare ground shows, as grainy as the rest.',
  draw({ canvas, ground }, generator) {
    const half = [between(generator, 0.075, 0.16), between(generator, 0.075, 0.16)] as const;
    const outline = box(drawPlace(generator, 0.2), half, between(generator, 0, Math.PI), 0.05);
    return {
      cover: coverOf(canvas.size, outline),
      colourAt: () => ground.map((value) => value + 0.02 * generator.normal()),
    };
  },
};
