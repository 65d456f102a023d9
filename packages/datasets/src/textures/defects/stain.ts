import { between } from '../canvas.js';
import { coverOf, type Defect, inChannels } from '../defect.js';
import { drawBlot } from '../outlines.js';

export const stain: Defect = {
  name: 'stain',
  description: 'A blot of oil, radius 9 to 17 % of the side: the texture shows through, darker by a quarter to a half.',
  draw({ canvas }, generator) {
    const { size, channels, values } = canvas;
    const outline = drawBlot(generator, { radius: [0.09, 0.17], unevenness: 0.5, margin: 0.2 });
    const strength = between(generator, 0.25, 0.45);
    const tint = inChannels(canvas, [1 - 0.8 * strength, 1 - strength, 1 - 1.2 * strength]);
    return {
      cover: coverOf(size, outline),
      colourAt: (_x, _y, at) => tint.map((share, channel) => values[at + channel]! * share).slice(0, channels),
    };
  },
};
