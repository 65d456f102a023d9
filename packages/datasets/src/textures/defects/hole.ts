import { between, mix, smoothStep } from '../canvas.js';
import { coverOf, type Defect, inChannels } from '../defect.js';
import { drawBlot } from '../outlines.js';

export const hole: Defect = {
  name: 'hole',
  description: 'A hole with an uneven rim, radius 4 to 8 % of the side, dark inside and frayed to a lighter rim.',
  draw({ canvas }, generator) {
    const outline = drawBlot(generator, { radius: [0.045, 0.085], unevenness: 0.4, margin: 0.15 });
    const depth = between(generator, 0.02, 0.1);
    const dark = inChannels(canvas, [depth, depth, depth]);
    const rim = inChannels(canvas, [0.62, 0.6, 0.56]);
    return {
      cover: coverOf(canvas.size, outline),
      colourAt: (x, y) => mix(dark, rim, smoothStep(-0.03, 0.005, outline(x, y))),
    };
  },
};
