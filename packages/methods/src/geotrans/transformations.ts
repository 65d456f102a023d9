/** Which transformations a model tells apart: all 72, or the eight flips and quarter turns alone. */
export const TRANSFORMATION_SETS = ['full72', 'dihedral8'] as const;
export type TransformationSet = (typeof TRANSFORMATION_SETS)[number];

/** One transformation of a square image: first flip, then translate, then rotate. */
export interface Transformation {
  /** Whether left and right are exchanged. */
  readonly flip: boolean;
  /** Rows further down that are read, negative for further up; what lies beyond the border is mirrored about it. */
  readonly rows: number;
  /** Columns further right that are read. */
  readonly columns: number;
  /** Quarter turns counter-clockwise, 0 to 3. */
  readonly turns: number;
}

/** How many transformations a set has: the classes of the classifier. */
export function countTransformations(set: TransformationSet): number {
  return set === 'full72' ? 72 : 8;
}

/**
 * The transformations of a set, the identity first; a position in this list is the label of its transformation:
 * `((flip * 3 + rows) * 3 + columns) * 4 + turns` with rows and columns 0, -shift, +shift (authors' code).
 * @param shift pixels of a translation.
 */
export function listTransformations(set: TransformationSet, shift: number): Transformation[] {
  const shifts = set === 'full72' ? [0, -shift, shift] : [0];
  return [false, true].flatMap((flip) =>
    shifts.flatMap((rows) =>
      shifts.flatMap((columns) => [0, 1, 2, 3].map((turns) => ({ flip, rows, columns, turns }))),
    ),
  );
}

/**
 * Where each pixel of a transformed image comes from: every transformation is a gather, nothing is interpolated.
 * @param side of the square image.
 * @returns `side * side` positions `row * side + column` in the source, row-major.
 */
export function planGather({ flip, rows, columns, turns }: Transformation, side: number): Int32Array {
  return Int32Array.from({ length: side * side }, (_, target) => {
    let [i, j] = [Math.floor(target / side), target % side];
    // From the last operation back to the first.
    for (let turn = 0; turn < turns; turn++) [i, j] = [j, side - 1 - i];
    [i, j] = [mirror(i + rows, side), mirror(j + columns, side)];
    return i * side + (flip ? side - 1 - j : j);
  });
}

/** A position beyond the border, mirrored so that the border pixel repeats: d c b a | a b c d | d c b a. */
function mirror(position: number, side: number): number {
  if (position < 0) return -1 - position;
  return position >= side ? 2 * side - 1 - position : position;
}
