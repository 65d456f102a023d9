import { between, type Colour, mix, paint, photograph } from '../canvas.js';
import type { TextureFamily } from '../family.js';
import { latticeNoise } from '../noise.js';

const EARLY: Colour = [0.78, 0.6, 0.4];
const LATE: Colour = [0.52, 0.34, 0.19];

export const wood: TextureFamily = {
  name: 'wood',
  description: 'Colour planed wood: upright year rings that wander, fine fibre along them; no two boards alike.',
  channels: 3,
  paint(size, generator) {
    const rings = between(generator, 5, 7);
    const shift = generator.uniform();
    const wander = latticeNoise(generator, 3, 2);
    const fibre = latticeNoise(generator, 32, 3);
    const canvas = paint(size, 3, (x, y) => {
      const ring = x * rings + shift + 0.55 * wander(x, y);
      const late = (ring - Math.floor(ring)) ** 2; // rings darken slowly and end sharply
      const board = mix(EARLY, LATE, late);
      return board.map((value) => value + 0.07 * fibre(x, y));
    });
    return { canvas: photograph(canvas, generator, { gainSpread: 0.06, noiseSigma: 0.02 }), ground: EARLY };
  },
};
