import type { RandomGenerator } from '@adctl/random';
import { between } from './canvas.js';

/** Signed distance to an outline, negative inside; about right near it, which is all that `coverOf` needs. */
export type Outline = (x: number, y: number) => number;

/** A round blot with an uneven rim, anywhere at least `margin` from the edge. */
export function drawBlot(
  generator: RandomGenerator,
  options: { readonly radius: readonly [number, number]; readonly unevenness: number; readonly margin: number },
): Outline {
  const radius = between(generator, ...options.radius);
  const [centreX, centreY] = drawPlace(generator, options.margin);
  const waves = [2, 3, 5].map((count) => ({
    count,
    height: (options.unevenness * between(generator, 0.3, 1)) / count,
    phase: between(generator, 0, 2 * Math.PI),
  }));
  return (x, y) => {
    const angle = Math.atan2(y - centreY, x - centreX);
    const rim = waves.reduce((sum, wave) => sum + wave.height * Math.cos(wave.count * angle + wave.phase), 1);
    return Math.hypot(x - centreX, y - centreY) - radius * rim;
  };
}

/** A rectangle turned by `angle`, with rounded corners. */
export function box(
  centre: readonly [number, number],
  half: readonly [number, number],
  angle: number,
  corner: number,
): Outline {
  return (x, y) => {
    const [right, down] = [x - centre[0], y - centre[1]];
    const along = Math.abs(right * Math.cos(angle) + down * Math.sin(angle)) - half[0] + corner;
    const across = Math.abs(down * Math.cos(angle) - right * Math.sin(angle)) - half[1] + corner;
    return Math.hypot(Math.max(along, 0), Math.max(across, 0)) + Math.min(Math.max(along, across), 0) - corner;
  };
}

/** A bent line of even width: a quadratic curve through three points, taken in short straight pieces. */
export function bentLine(points: readonly (readonly [number, number])[], halfWidth: number): Outline {
  const [start, middle, end] = points as readonly [Point, Point, Point];
  const curve = Array.from({ length: CURVE_PIECES + 1 }, (_, i): Point => {
    const t = i / CURVE_PIECES;
    const weigh = (axis: 0 | 1) => (1 - t) ** 2 * start[axis] + 2 * t * (1 - t) * middle[axis] + t ** 2 * end[axis];
    return [weigh(0), weigh(1)];
  });
  return (x, y) => {
    let nearest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < CURVE_PIECES; i++) {
      nearest = Math.min(nearest, distanceToPiece(x, y, curve[i] as Point, curve[i + 1] as Point));
    }
    return nearest - halfWidth;
  };
}

/** A point at least `margin` from the edge. */
export function drawPlace(generator: RandomGenerator, margin: number): Point {
  return [between(generator, margin, 1 - margin), between(generator, margin, 1 - margin)];
}

type Point = readonly [x: number, y: number];

const CURVE_PIECES = 12;

function distanceToPiece(x: number, y: number, from: Point, to: Point): number {
  const [right, down] = [to[0] - from[0], to[1] - from[1]];
  const along = ((x - from[0]) * right + (y - from[1]) * down) / (right * right + down * down);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - from[0] - t * right, y - from[1] - t * down);
}
