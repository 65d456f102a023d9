import type { Superpixels } from './slic.js';

/** 4-connected pieces of a partition, with how long a border each shares with its neighbours. */
interface Pieces {
  /** Piece of every pixel, numbered in the order of their first pixel. */
  readonly ids: Int32Array;
  readonly sizes: number[];
  /** Neighbour to number of touching pixel pairs. */
  readonly borders: Map<number, number>[];
}

/**
 * Makes every label one connected region of at least `minSize` pixels: labels are cut into their connected pieces, and
 * small pieces, smallest first, join the neighbour with which they share the longest border (on ties the one found
 * first), until none is left or one piece remains. Labels are numbered in scan order.
 */
export function mergeFragments(labels: Int32Array, height: number, width: number, minSize: number): Superpixels {
  const pieces = findPieces(labels, height, width);
  const { ids, sizes, borders } = pieces;
  const parents = sizes.map((_, piece) => piece);
  // A merged piece is larger than both its parts, so a single walk over growing sizes meets every small piece.
  const bySize: number[][] = Array.from({ length: Math.max(1, minSize) }, () => []);
  for (const [piece, size] of sizes.entries()) bySize[size]?.push(piece);
  for (let size = 1; size < minSize; size++) {
    const waiting = bySize[size]!;
    for (const piece of waiting.sort((p, q) => p - q)) {
      if (parents[piece] !== piece || sizes[piece] !== size || borders[piece]!.size === 0) continue;
      const target = longestBorder(borders[piece]!);
      merge(pieces, piece, target);
      parents[piece] = target;
      bySize[sizes[target]!]?.push(target);
    }
  }
  return renumber(ids, parents);
}

function findPieces(labels: Int32Array, height: number, width: number): Pieces {
  const ids = new Int32Array(labels.length).fill(-1);
  const sizes: number[] = [];
  const stack = new Int32Array(labels.length);
  for (let start = 0; start < labels.length; start++) {
    if (ids[start] !== -1) continue;
    const id = sizes.length;
    let size = 0;
    let top = 0;
    const visit = (pixel: number) => {
      if (ids[pixel] !== -1 || labels[pixel] !== labels[start]) return;
      ids[pixel] = id;
      stack[top++] = pixel;
    };
    visit(start);
    while (top > 0) {
      const pixel = stack[--top]!;
      size++;
      const column = pixel % width;
      if (column > 0) visit(pixel - 1);
      if (column < width - 1) visit(pixel + 1);
      if (pixel >= width) visit(pixel - width);
      if (pixel < (height - 1) * width) visit(pixel + width);
    }
    sizes.push(size);
  }
  return { ids, sizes, borders: measureBorders(ids, sizes.length, width) };
}

function measureBorders(ids: Int32Array, count: number, width: number): Map<number, number>[] {
  const borders = Array.from({ length: count }, () => new Map<number, number>());
  const touch = (p: number, q: number) => {
    if (p === q) return;
    borders[p]!.set(q, (borders[p]!.get(q) ?? 0) + 1);
    borders[q]!.set(p, (borders[q]!.get(p) ?? 0) + 1);
  };
  for (let i = 0; i < ids.length; i++) {
    if (i % width < width - 1) touch(ids[i]!, ids[i + 1]!);
    if (i + width < ids.length) touch(ids[i]!, ids[i + width]!);
  }
  return borders;
}

function longestBorder(borders: ReadonlyMap<number, number>): number {
  let best = -1;
  let longest = 0;
  for (const [piece, length] of borders) {
    if (length > longest || (length === longest && piece < best)) {
      longest = length;
      best = piece;
    }
  }
  return best;
}

function merge({ sizes, borders }: Pieces, piece: number, target: number): void {
  sizes[target]! += sizes[piece]!;
  for (const [neighbour, length] of borders[piece]!) {
    borders[neighbour]!.delete(piece);
    if (neighbour === target) continue;
    borders[neighbour]!.set(target, (borders[neighbour]!.get(target) ?? 0) + length);
    borders[target]!.set(neighbour, (borders[target]!.get(neighbour) ?? 0) + length);
  }
  borders[piece]!.clear();
}

function renumber(ids: Int32Array, parents: readonly number[]): Superpixels {
  const numbers = new Map<number, number>();
  const labels = new Uint16Array(ids.length);
  for (let i = 0; i < ids.length; i++) {
    let piece = ids[i]!;
    while (parents[piece] !== piece) piece = parents[piece]!;
    const known = numbers.get(piece);
    labels[i] = known ?? numbers.size;
    if (known === undefined) numbers.set(piece, numbers.size);
  }
  return { labels, count: numbers.size };
}
