import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** The directions of largest variance of a set of points. */
export interface PrincipalComponents {
  /** `[dimensions]` */
  readonly mean: Float64Array;
  /** `[kept]`, descending: variances along the components, divisor n - 1. */
  readonly variances: Float64Array;
  /** `[dimensions, kept]` row-major, orthonormal columns; the entry of largest magnitude of each is positive. */
  readonly components: Float64Array;
  readonly kept: number;
  /** Share of the whole variance that each of all components explains, descending. */
  readonly explained: readonly number[];
}

/** Points as rows, `[count, dimensions]` row-major. */
export interface Points {
  readonly count: number;
  readonly dimensions: number;
  readonly values: Float64Array;
}

/** Longer vectors take the route over inner products of points, of which at most this many are used (the spec allows 2000). */
const GRAM_DIMENSIONS = 2048;
const GRAM_POINTS = 1000;

/**
 * PCA in float64: the covariance's eigenvectors or, for long vectors, those of the matrix of inner products,
 * `v_i = F^T u_i / sqrt(lambda_i (n - 1))`.
 *
 * @param share in (0, 1]: the fewest components that explain at least this share of the variance are kept.
 * @param route default the cheaper one; for very long vectors the Gram route looks at evenly spread points only.
 */
export function fitPca(
  points: Points,
  share: number,
  route: 'covariance' | 'gram' = points.dimensions > Math.min(points.count, GRAM_DIMENSIONS) ? 'gram' : 'covariance',
): PrincipalComponents {
  const used = route === 'gram' ? spreadPoints(points, GRAM_POINTS) : points;
  const mean = meanOf(used);
  const centred = centre(used, mean);
  const { eigenvalues, vectors } = route === 'gram' ? byGram(centred) : byCovariance(centred);
  const total = eigenvalues.reduce((sum, value) => sum + value, 0);
  const explained = eigenvalues.map((value) => (total > 0 ? value / total : 0));
  const kept = countComponents(explained, share);
  const components = new Float64Array(points.dimensions * kept);
  for (let i = 0; i < kept; i++) {
    const vector = orient(vectors(i));
    for (let d = 0; d < vector.length; d++) components[d * kept + i] = vector[d]!;
  }
  return { mean, variances: Float64Array.from(eigenvalues.slice(0, kept)), components, kept, explained };
}

/** How many components explain at least `share`; at least one. A thousandth of a thousandth is left to rounding. */
export function countComponents(explained: readonly number[], share: number): number {
  let sum = 0;
  for (const [i, value] of explained.entries()) {
    sum += value;
    if (sum >= share - 1e-9) return i + 1;
  }
  return Math.max(1, explained.filter((value) => value > 0).length);
}

/** `(F - mean) V`, `[count, kept]` row-major, each divided by the component's deviation if whitened. */
export function project(points: Points, pca: PrincipalComponents, whiten = false): Points {
  const { count, dimensions, values } = points;
  const { kept, mean } = pca;
  const weights = whiten ? whitened(pca) : pca.components;
  const result = new Float64Array(count * kept);
  for (let n = 0; n < count; n++) {
    for (let d = 0; d < dimensions; d++) {
      const value = values[n * dimensions + d]! - mean[d]!;
      if (value === 0) continue;
      for (let i = 0; i < kept; i++) result[n * kept + i]! += value * weights[d * kept + i]!;
    }
  }
  return { count, dimensions: kept, values: result };
}

/** The components divided by their standard deviations, `[dimensions, kept]`. */
export function whitened({ components, variances, kept }: PrincipalComponents): Float64Array {
  return components.map((value, i) => value / Math.sqrt(Math.max(variances[i % kept]!, 1e-24)));
}

interface Decomposition {
  /** Descending, none below 0. */
  readonly eigenvalues: readonly number[];
  /** Eigenvector of the i-th in the space of the points. */
  readonly vectors: (i: number) => Float64Array;
}

function byCovariance({ count, dimensions, values }: Points): Decomposition {
  const covariance = new Float64Array(dimensions * dimensions);
  for (let n = 0; n < count; n++) {
    const row = values.subarray(n * dimensions, (n + 1) * dimensions);
    for (let a = 0; a < dimensions; a++) {
      const value = row[a]!;
      if (value === 0) continue;
      for (let b = a; b < dimensions; b++) covariance[a * dimensions + b]! += value * row[b]!;
    }
  }
  const { order, eigenvalues, column } = decompose(covariance, dimensions, count - 1);
  return { eigenvalues, vectors: (i) => column(order[i]!) };
}

function byGram({ count, dimensions, values }: Points): Decomposition {
  const gram = new Float64Array(count * count);
  for (let a = 0; a < count; a++) {
    for (let b = a; b < count; b++) {
      let sum = 0;
      for (let d = 0; d < dimensions; d++) sum += values[a * dimensions + d]! * values[b * dimensions + d]!;
      gram[a * count + b] = sum;
    }
  }
  const { order, eigenvalues, column } = decompose(gram, count, count - 1);
  return {
    eigenvalues,
    vectors(i) {
      const u = column(order[i]!);
      const v = new Float64Array(dimensions);
      for (let n = 0; n < count; n++) for (let d = 0; d < dimensions; d++) v[d]! += u[n]! * values[n * dimensions + d]!;
      const norm = Math.sqrt(eigenvalues[i]! * (count - 1));
      return v.map((value) => value / Math.max(norm, 1e-150));
    },
  };
}

/** Eigenvalues and eigenvectors of a symmetric matrix given by its upper triangle, divided by a number. */
function decompose(upper: Float64Array, size: number, divisor: number) {
  const matrix = new Matrix(size, size);
  for (let a = 0; a < size; a++) {
    for (let b = a; b < size; b++) {
      const value = upper[a * size + b]! / Math.max(1, divisor);
      matrix.set(a, b, value);
      matrix.set(b, a, value);
    }
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const order = Array.from({ length: size }, (_, i) => i).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  return {
    order,
    eigenvalues: order.map((i) => Math.max(0, realEigenvalues[i]!)),
    column: (i: number) => Float64Array.from(eigenvectorMatrix.getColumn(i)),
  };
}

function orient(vector: Float64Array): Float64Array {
  const largest = vector.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return largest < 0 ? vector.map((value) => -value) : vector;
}

/** At most that many points, evenly spread: crops lie in the order of their images. */
function spreadPoints({ count, dimensions, values }: Points, most: number): Points {
  if (count <= most) return { count, dimensions, values };
  const kept = new Float64Array(most * dimensions);
  for (let i = 0; i < most; i++) {
    const n = Math.floor((i * count) / most);
    kept.set(values.subarray(n * dimensions, (n + 1) * dimensions), i * dimensions);
  }
  return { count: most, dimensions, values: kept };
}

function meanOf({ count, dimensions, values }: Points): Float64Array {
  const mean = new Float64Array(dimensions);
  for (let i = 0; i < count * dimensions; i++) mean[i % dimensions]! += values[i]! / count;
  return mean;
}

function centre({ count, dimensions, values }: Points, mean: Float64Array): Points {
  const centred = values.slice(0, count * dimensions).map((value, i) => value - mean[i % dimensions]!);
  return { count, dimensions, values: centred };
}
