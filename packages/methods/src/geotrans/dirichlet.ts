import { digamma, EULER_GAMMA, invDigamma } from './gamma-functions.js';

/** All that a Dirichlet maximum-likelihood fit needs of N probability vectors, each `[components]`. */
export interface DirichletStatistics {
  /** Mean of the logs of each component (m). */
  readonly meanLogs: Float64Array;
  /** Mean of each component (f). */
  readonly means: Float64Array;
}

export interface DirichletFit {
  /** The parameters, `[components]`, positive. */
  readonly alpha: Float64Array;
  readonly iterations: number;
  /** Whether the last change was below the tolerance; large precisions converge slowly, which does no harm. */
  readonly hasConverged: boolean;
}

/** Log of the smallest normal float32: what the log of an underflowing softmax counts as (ours). */
export const LOWEST_LOG = -87.33;

const MAX_ITERATIONS = 1000;
const TOLERANCE = 1e-9;
/** Precision to begin with where all vectors are equal and the estimate is infinite. */
const EQUAL_VECTORS_PRECISION = 1e6;

/**
 * Maximum-likelihood Dirichlet parameters: the initial precision of Wicker et al., then Minka's fixed point
 * `alpha_j <- invdigamma(digamma(sum alpha) + m_j)`.
 * @param onIteration sees the parameters of every iteration, the initial ones included.
 */
export function fitDirichlet(
  { meanLogs, means }: DirichletStatistics,
  onIteration?: (alpha: Float64Array) => void,
): DirichletFit {
  const components = meanLogs.length;
  let alpha = initialParameters(meanLogs, means);
  onIteration?.(alpha);
  for (let iteration = 1; iteration <= MAX_ITERATIONS; iteration++) {
    const common = digamma(alpha.reduce((sum, value) => sum + value, 0));
    let change = 0;
    const next = new Float64Array(components);
    for (let j = 0; j < components; j++) {
      next[j] = invDigamma(common + meanLogs[j]!);
      change += (next[j]! - alpha[j]!) ** 2;
    }
    alpha = next;
    onIteration?.(alpha);
    if (Math.sqrt(change) < TOLERANCE) return { alpha, iterations: iteration, hasConverged: true };
  }
  return { alpha, iterations: MAX_ITERATIONS, hasConverged: false };
}

/** `alpha_j = f_j s0` with `s0 = (K - 1) gamma / (sum f log f - sum f m)`; the denominator is 0 where all vectors are equal. */
function initialParameters(meanLogs: Float64Array, means: Float64Array): Float64Array {
  // An underflow leaves a mean of 0, whose parameter must still be positive.
  const positive = means.map((mean) => Math.max(mean, Math.exp(LOWEST_LOG)));
  const spread = positive.reduce((sum, mean, j) => sum + mean * (Math.log(mean) - meanLogs[j]!), 0);
  const precision = spread < 1e-12 ? EQUAL_VECTORS_PRECISION : ((means.length - 1) * EULER_GAMMA) / spread;
  return positive.map((mean) => mean * precision);
}
