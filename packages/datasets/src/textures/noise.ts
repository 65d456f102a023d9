import type { RandomGenerator } from '@adctl/random';

/**
 * Smooth noise that repeats: random values on a lattice of `columns` x `rows` cells over the unit square, joined by cubic
 * easing. Roughly -1..1, mean 0; features are about one cell large.
 *
 * @returns the noise at (x, y); any real coordinates, period 1.
 */
export function latticeNoise(
  generator: RandomGenerator,
  columns: number,
  rows: number,
): (x: number, y: number) => number {
  const lattice = generator.fillUniform(new Float32Array(columns * rows), -1, 1);
  const valueAt = (column: number, row: number) => lattice[wrap(row, rows) * columns + wrap(column, columns)]!;
  return (x, y) => {
    const column = Math.floor(x * columns);
    const row = Math.floor(y * rows);
    const right = ease(x * columns - column);
    const down = ease(y * rows - row);
    const top = valueAt(column, row) * (1 - right) + valueAt(column + 1, row) * right;
    const bottom = valueAt(column, row + 1) * (1 - right) + valueAt(column + 1, row + 1) * right;
    return top * (1 - down) + bottom * down;
  };
}

const wrap = (index: number, length: number) => ((index % length) + length) % length;

const ease = (t: number) => t * t * (3 - 2 * t);
