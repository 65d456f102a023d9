import { mergeFragments } from './connectivity.js';
import type { LabImage } from './lab.js';

export interface SlicOptions {
  /** K: how many superpixels are wanted. */
  readonly segments: number;
  /** m: weight of distance against colour; large values give squares. */
  readonly compactness: number;
  /** T: at most so many rounds of assignment and update. */
  readonly iterations: number;
}

/** A partition of an image: every pixel's label, row-major, labels 0..count-1 in the order of their first pixel. */
export interface Superpixels {
  readonly labels: Uint16Array;
  readonly count: number;
}

/** Cluster centres, one value each: colour, and position in pixels (pixel centres are integers). */
export interface Centres {
  readonly count: number;
  /** S: the side a superpixel would have as a square. */
  readonly spacing: number;
  readonly lightness: Float64Array;
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly y: Float64Array;
  readonly x: Float64Array;
}

/** Centres stop when they move less than this on average, in pixels. */
const STILL = 0.01;

/** S, and how many rows and columns of seeds an image gets. */
export function seedGrid(height: number, width: number, segments: number) {
  const spacing = Math.sqrt((height * width) / segments);
  return {
    spacing,
    rows: Math.max(1, Math.round(height / spacing)),
    columns: Math.max(1, Math.round(width / spacing)),
  };
}

/**
 * SLIC superpixels (Achanta et al., TPAMI 2012): k-means in colour and position where every centre looks only at a
 * window of twice its spacing, then fragments are merged so that every label is connected and at least a quarter of
 * the wanted size. How many come out differs from image to image.
 */
export function slic(image: LabImage, options: SlicOptions): Superpixels {
  const centres = seedCentres(image, options.segments);
  const labels = new Int32Array(image.height * image.width);
  for (let round = 0; round < options.iterations; round++) {
    assignPixels(image, centres, options.compactness, labels);
    if (updateCentres(image, centres, labels) < STILL) break;
  }
  const minSize = Math.floor((centres.spacing * centres.spacing) / 4);
  return mergeFragments(labels, image.height, image.width, minSize);
}

/** Seeds on a regular grid, each moved to the flattest pixel of its 3x3 neighbourhood when that is strictly flatter. */
export function seedCentres(image: LabImage, segments: number): Centres {
  const { height, width } = image;
  const { spacing, rows, columns } = seedGrid(height, width, segments);
  const count = rows * columns;
  const centres: Centres = {
    count,
    spacing,
    lightness: new Float64Array(count),
    a: new Float64Array(count),
    b: new Float64Array(count),
    y: new Float64Array(count),
    x: new Float64Array(count),
  };
  for (let k = 0; k < count; k++) {
    const y = ((Math.floor(k / columns) + 0.5) * height) / rows - 0.5;
    const x = (((k % columns) + 0.5) * width) / columns - 0.5;
    const start = Math.min(height - 1, Math.round(y)) * width + Math.min(width - 1, Math.round(x));
    const flattest = flattestNeighbour(image, start);
    centres.y[k] = flattest === start ? y : Math.floor(flattest / width);
    centres.x[k] = flattest === start ? x : flattest % width;
    centres.lightness[k] = image.planes[0][flattest]!;
    centres.a[k] = image.planes[1][flattest]!;
    centres.b[k] = image.planes[2][flattest]!;
  }
  return centres;
}

function flattestNeighbour(image: LabImage, start: number): number {
  const { height, width } = image;
  const [row, column] = [Math.floor(start / width), start % width];
  let best = start;
  let lowest = squaredGradient(image, row, column);
  for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++) {
    for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x++) {
      const gradient = squaredGradient(image, y, x);
      if (gradient < lowest) {
        lowest = gradient;
        best = y * width + x;
      }
    }
  }
  return best;
}

/** `|I(y, x+1) - I(y, x-1)|^2 + |I(y+1, x) - I(y-1, x)|^2`, borders repeated. */
function squaredGradient({ height, width, planes }: LabImage, y: number, x: number): number {
  const left = y * width + Math.max(0, x - 1);
  const right = y * width + Math.min(width - 1, x + 1);
  const above = Math.max(0, y - 1) * width + x;
  const below = Math.min(height - 1, y + 1) * width + x;
  return planes.reduce(
    (sum, plane) => sum + (plane[right]! - plane[left]!) ** 2 + (plane[below]! - plane[above]!) ** 2,
    0,
  );
}

/**
 * Gives every pixel to the centre with the smallest `D = |colour|^2 + (m / S)^2 |position|^2` among those whose window
 * reaches it, the first one on ties; a pixel that no window reaches goes to the spatially nearest centre.
 *
 * @param labels overwritten.
 * @returns the energy: the sum of D over the pixels that a window reached.
 */
export function assignPixels(image: LabImage, centres: Centres, compactness: number, labels: Int32Array): number {
  const { height, width, planes } = image;
  const [lightness, aPlane, bPlane] = planes;
  const { spacing, count } = centres;
  const weight = (compactness / spacing) ** 2;
  const distance = new Float64Array(height * width).fill(Number.POSITIVE_INFINITY);
  for (let k = 0; k < count; k++) {
    const [yk, xk] = [centres.y[k]!, centres.x[k]!];
    const [lk, ak, bk] = [centres.lightness[k]!, centres.a[k]!, centres.b[k]!];
    const bottom = Math.min(height - 1, Math.ceil(yk + spacing));
    const left = Math.max(0, Math.floor(xk - spacing));
    const right = Math.min(width - 1, Math.ceil(xk + spacing));
    for (let y = Math.max(0, Math.floor(yk - spacing)); y <= bottom; y++) {
      const rowTerm = (y - yk) * (y - yk);
      for (let x = left; x <= right; x++) {
        const i = y * width + x;
        const [dl, da, db] = [lightness[i]! - lk, aPlane[i]! - ak, bPlane[i]! - bk];
        const d = dl * dl + da * da + db * db + weight * (rowTerm + (x - xk) * (x - xk));
        if (d < distance[i]!) {
          distance[i] = d;
          labels[i] = k;
        }
      }
    }
  }
  let energy = 0;
  for (let i = 0; i < distance.length; i++) {
    if (distance[i] === Number.POSITIVE_INFINITY) labels[i] = nearestCentre(centres, Math.floor(i / width), i % width);
    else energy += distance[i]!;
  }
  return energy;
}

function nearestCentre({ count, y, x }: Centres, row: number, column: number): number {
  let best = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (let k = 0; k < count; k++) {
    const d = (row - y[k]!) ** 2 + (column - x[k]!) ** 2;
    if (d < lowest) {
      lowest = d;
      best = k;
    }
  }
  return best;
}

/**
 * Moves every centre to the mean colour and position of its pixels; one without pixels stays.
 * @returns how far they moved on average, in pixels (L1).
 */
export function updateCentres({ width, planes }: LabImage, centres: Centres, labels: Int32Array): number {
  const { count } = centres;
  const sizes = new Int32Array(count);
  const sums = Array.from({ length: 5 }, () => new Float64Array(count));
  const [lightness, a, b, y, x] = sums as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  for (let i = 0; i < labels.length; i++) {
    const k = labels[i]!;
    sizes[k]!++;
    lightness[k]! += planes[0][i]!;
    a[k]! += planes[1][i]!;
    b[k]! += planes[2][i]!;
    y[k]! += Math.floor(i / width);
    x[k]! += i % width;
  }
  let moved = 0;
  for (let k = 0; k < count; k++) {
    const size = sizes[k]!;
    if (size === 0) continue;
    moved += Math.abs(y[k]! / size - centres.y[k]!) + Math.abs(x[k]! / size - centres.x[k]!);
    centres.lightness[k] = lightness[k]! / size;
    centres.a[k] = a[k]! / size;
    centres.b[k] = b[k]! / size;
    centres.y[k] = y[k]! / size;
    centres.x[k] = x[k]! / size;
  }
  return moved / count;
}
