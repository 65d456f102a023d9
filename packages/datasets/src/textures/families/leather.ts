import { type Colour, paint, photograph } from '../canvas.js';
import type { TextureFamily } from '../family.js';
import { latticeNoise } from '../noise.js';

const HIDE: Colour = [0.5, 0.3, 0.2];

export const leather: TextureFamily = {
  name: 'leather',
  description: 'Colour leather: irregular grain of two sizes lit from one side; texture without any period.',
  channels: 3,
  paint(size, generator) {
    const coarse = latticeNoise(generator, 11, 11);
    const fine = latticeNoise(generator, 23, 23);
    const shade = latticeNoise(generator, 2, 2);
    const height = (x: number, y: number) => Math.abs(coarse(x, y)) + 0.5 * Math.abs(fine(x, y));
    const canvas = paint(size, 3, (x, y) => {
      const slope = height(x + 0.015, y) - height(x - 0.015, y);
      const light = 1 + 0.8 * slope + 0.06 * shade(x, y);
      return HIDE.map((value) => value * light);
    });
    return { canvas: photograph(canvas, generator, { gainSpread: 0.06, noiseSigma: 0.02 }), ground: HIDE };
  },
};
