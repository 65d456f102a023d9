import { createGenerator, type RandomGenerator } from '@adctl/random';

/** Size of toy images; 1 or 3 channels. */
export interface ToyShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Images in memory as bytes, `[count, height, width, channels]` row-major. */
export interface ToyImages {
  readonly count: number;
  readonly shape: ToyShape;
  readonly pixels: Uint8Array;
}

export interface ToyOptions {
  readonly shape: ToyShape;
  readonly count: number;
  readonly seed: number;
  /**
   * `normal`: an F, jittered in place, size, stroke and brightness. `anomalous`: a ring, a cross or a zigzag, jittered
   * alike. No anomaly is a rotation or a flip of an F, so methods that learn to tell transformations apart are
   * judged fairly, and an F tells its orientation, so they have something to learn.
   */
  readonly kind: 'normal' | 'anomalous';
}

/** A point in a unit square, y downwards. */
type Point = readonly [x: number, y: number];
/** Distance of a point to a figure's strokes. */
type Figure = (point: Point) => number;

/** Seeded toy images; equal options give equal bytes, and normal and anomalous images of one seed share no draws. */
export function createToyImages({ shape, count, seed, kind }: ToyOptions): ToyImages {
  const generator = createGenerator(seed, 'toy-images', kind);
  const size = shape.height * shape.width * shape.channels;
  const pixels = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) {
    const figure = kind === 'normal' ? LETTER_F : ODD_FIGURES[generator.integer(ODD_FIGURES.length)]!;
    paint(pixels.subarray(i * size, (i + 1) * size), figure, shape, generator);
  }
  return { count, shape, pixels };
}

function paint(target: Uint8Array, figure: Figure, shape: ToyShape, generator: RandomGenerator): void {
  const between = (low: number, high: number) => low + (high - low) * generator.uniform();
  const [shiftX, shiftY] = [between(-0.06, 0.06), between(-0.06, 0.06)];
  const scale = between(0.9, 1.1);
  const stroke = between(0.05, 0.07);
  const colour = Array.from({ length: shape.channels }, (_, c) => between(0.75, 1) * (1 - 0.25 * c));
  const background = between(0, 0.08);
  const edge = 1.5 / Math.min(shape.height, shape.width);
  let index = 0;
  for (let row = 0; row < shape.height; row++) {
    for (let column = 0; column < shape.width; column++) {
      const x = ((column + 0.5) / shape.width - 0.5 - shiftX) / scale + 0.5;
      const y = ((row + 0.5) / shape.height - 0.5 - shiftY) / scale + 0.5;
      const cover = Math.min(1, Math.max(0, (stroke - figure([x, y])) / edge + 0.5));
      for (const level of colour) target[index++] = Math.round(255 * (background + (level - background) * cover));
    }
  }
}

const LETTER_F = strokes(
  [
    [0.36, 0.2],
    [0.36, 0.8],
  ],
  [
    [0.36, 0.2],
    [0.68, 0.2],
  ],
  [
    [0.36, 0.48],
    [0.58, 0.48],
  ],
);

const ODD_FIGURES: readonly Figure[] = [
  ([x, y]) => Math.abs(Math.hypot(x - 0.5, y - 0.5) - 0.24),
  strokes(
    [
      [0.26, 0.26],
      [0.74, 0.74],
    ],
    [
      [0.74, 0.26],
      [0.26, 0.74],
    ],
  ),
  strokes(
    [
      [0.24, 0.3],
      [0.5, 0.5],
    ],
    [
      [0.5, 0.5],
      [0.3, 0.66],
    ],
    [
      [0.3, 0.66],
      [0.76, 0.78],
    ],
  ),
];

/** The union of straight strokes. */
function strokes(...segments: readonly (readonly [Point, Point])[]): Figure {
  return (point) => Math.min(...segments.map((segment) => distanceToSegment(point, segment)));
}

function distanceToSegment([x, y]: Point, [[ax, ay], [bx, by]]: readonly [Point, Point]): number {
  const [dx, dy] = [bx - ax, by - ay];
  const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}
