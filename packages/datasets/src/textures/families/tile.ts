import { between, type Colour, mix, paint, photograph, smoothStep } from '../canvas.js';
import type { TextureFamily } from '../family.js';
import { latticeNoise } from '../noise.js';

const TILES = 3;
const GLAZE: Colour = [0.82, 0.84, 0.8];
const JOINT: Colour = [0.45, 0.44, 0.42];
const PRINT: Colour = [0.2, 0.36, 0.62];

export const tile: TextureFamily = {
  name: 'tile',
  description:
    'Colour wall tiles: pale glaze, grey joints, a printed blue ring and dot; the picture is nearly in register.',
  channels: 3,
  paint(size, generator) {
    const [shiftX, shiftY] = [between(generator, -0.05, 0.05), between(generator, -0.05, 0.05)];
    const cloud = latticeNoise(generator, 4, 4);
    const canvas = paint(size, 3, (x, y) => {
      const column = x * TILES + shiftX;
      const row = y * TILES + shiftY;
      const [across, down] = [column - Math.floor(column) - 0.5, row - Math.floor(row) - 0.5];
      const toEdge = 0.5 - Math.max(Math.abs(across), Math.abs(down));
      const fromMiddle = Math.hypot(across, down);
      const ring = 1 - smoothStep(0.05, 0.09, Math.abs(fromMiddle - 0.27));
      const dot = 1 - smoothStep(0.07, 0.11, fromMiddle);
      const glaze = GLAZE.map((value) => value + 0.03 * cloud(x, y));
      return mix(JOINT, mix(glaze, PRINT, Math.max(ring, dot)), smoothStep(0.02, 0.06, toEdge));
    });
    return { canvas: photograph(canvas, generator, { gainSpread: 0.05, noiseSigma: 0.02 }), ground: GLAZE };
  },
};
