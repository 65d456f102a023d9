import { paint, photograph } from '../canvas.js';
import type { TextureFamily } from '../family.js';
import { latticeNoise } from '../noise.js';

const THREADS = 10;
const GROUND = [0.14];

export const weave: TextureFamily = {
  name: 'weave',
  description: 'Grey plain weave: bright warp over darker weft in turn, at any phase, threads slightly uneven.',
  channels: 1,
  paint(size, generator) {
    const [shiftX, shiftY] = [2 * generator.uniform(), 2 * generator.uniform()];
    const uneven = latticeNoise(generator, 5, 5);
    const canvas = paint(size, 1, (x, y) => {
      const bend = 0.12 * uneven(x, y);
      const column = x * THREADS + shiftX + bend;
      const row = y * THREADS + shiftY + bend;
      const warpOnTop = (Math.floor(column) + Math.floor(row)) % 2 === 0;
      const [across, along] = warpOnTop ? [column, row] : [row, column];
      const round = Math.sin(Math.PI * (across - Math.floor(across))); // over the thread's width
      const rise = Math.sin(Math.PI * (along - Math.floor(along))); // where it climbs over its neighbours
      return [GROUND[0]! + (warpOnTop ? 0.62 : 0.36) * Math.sqrt(round) * (0.55 + 0.45 * rise)];
    });
    return { canvas: photograph(canvas, generator, { gainSpread: 0.06, noiseSigma: 0.025 }), ground: GROUND };
  },
};
