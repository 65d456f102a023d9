import { between, mix, smoothStep } from '../canvas.js';
import { coverOf, type Defect, inChannels } from '../defect.js';
import { box, drawPlace } from '../outlines.js';

/** Colours of things that fall onto a production line: a plastic chip, a metal shaving, a scrap of cardboard, a leaf. */
const THINGS = [
  [0.75, 0.2, 0.18],
  [0.72, 0.74, 0.78],
  [0.6, 0.48, 0.34],
  [0.3, 0.45, 0.22],
] as const;

export const foreignBody: Defect = {
  name: 'foreign-body',
  description:
    'Something that does not belong there, 6 to 22 % of the side long, of its own colour, lit from above left.',
  draw({ canvas }, generator) {
    const half = [between(generator, 0.04, 0.11), between(generator, 0.03, 0.06)] as const;
    const [x, y] = drawPlace(generator, 0.18);
    const outline = box([x, y], half, between(generator, 0, Math.PI), 0.02);
    const body = inChannels(canvas, THINGS[generator.integer(THINGS.length)]!);
    const shade = body.map((value) => value * 0.55);
    return {
      cover: coverOf(canvas.size, outline),
      colourAt: (px, py) => mix(body, shade, smoothStep(-0.08, 0.08, px - x + py - y)),
    };
  },
};
