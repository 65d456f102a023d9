import { between, paint, photograph } from '../canvas.js';
import type { TextureFamily } from '../family.js';

const WIRES = 6;
const GROUND = [0.18];

export const mesh: TextureFamily = {
  name: 'mesh',
  description: 'Grey wire mesh: round bright wires on a dark ground, nearly upright, at any phase.',
  channels: 1,
  paint(size, generator) {
    const angle = 0.03 * generator.normal();
    const [shiftX, shiftY] = [generator.uniform(), generator.uniform()];
    const wire = between(generator, 0.15, 0.17); // half a wire, as a share of the period
    const canvas = paint(size, 1, (x, y) => {
      const across = wireLight((x * Math.cos(angle) - y * Math.sin(angle)) * WIRES + shiftX, wire);
      const down = wireLight((x * Math.sin(angle) + y * Math.cos(angle)) * WIRES + shiftY, wire);
      return [GROUND[0]! + 0.62 * Math.max(across, down)];
    });
    return { canvas: photograph(canvas, generator, { gainSpread: 0.06, noiseSigma: 0.02 }), ground: GROUND };
  },
};

/** Light on a round wire: 1 along its middle, 0 beside it. */
function wireLight(position: number, halfWidth: number): number {
  const offset = position - Math.round(position);
  const share = Math.abs(offset) / halfWidth;
  return share >= 1 ? 0 : Math.sqrt(1 - share * share);
}
