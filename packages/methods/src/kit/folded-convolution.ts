import * as tf from '@tensorflow/tfjs';
import type { BatchNormVariables } from './batch-norm.js';
import { convolve } from './layer-functions.js';
import type { BatchNormPlan, Conv2dPlan, DepthwiseConv2dPlan } from './network-plan.js';

/** A convolution and the frozen batch normalisation after it as one convolution with bias. */
export interface FoldedConvolution {
  apply(x: tf.Tensor): tf.Tensor;
  /** Frees the folded kernel and bias, not the variables they were made from. */
  dispose(): void;
}

/** What is folded together: `y = gamma (conv(x) - mean) / sqrt(variance + epsilon) + beta`. */
export interface FoldedParts {
  readonly convolution: Conv2dPlan | DepthwiseConv2dPlan;
  readonly kernel: tf.Variable;
  readonly normalization: BatchNormPlan;
  readonly variables: BatchNormVariables;
}

/**
 * Folds `w' = w gamma / sqrt(variance + epsilon)` per output channel and `b' = beta - mean gamma / sqrt(variance + epsilon)`
 * at the first use, and again when one of the variables was assigned since (calibration, a restored checkpoint).
 */
export function createFoldedConvolution(parts: FoldedParts): FoldedConvolution {
  const { kernel, variables } = parts;
  const sources = [kernel, variables.gamma, variables.beta, variables.movingMean, variables.movingVariance];
  let folded: { readonly kernel: tf.Tensor4D; readonly bias: tf.Tensor; readonly from: readonly object[] } | null =
    null;
  const dispose = () => {
    folded?.kernel.dispose();
    folded?.bias.dispose();
    folded = null;
  };
  return {
    apply(x) {
      // An assignment gives a variable other data, with another id.
      if (folded?.from.every((id, i) => id === sources[i]!.dataId) !== true) {
        dispose();
        folded = { ...fold(parts), from: sources.map((source) => source.dataId) };
      }
      return tf.add(convolve(parts.convolution, x as tf.Tensor4D, folded!.kernel), folded!.bias);
    },
    dispose,
  };
}

function fold({ convolution, kernel, normalization, variables }: FoldedParts) {
  return tf.tidy(() => {
    const { gamma, beta, movingMean, movingVariance } = variables;
    const scale = tf.mul(gamma, tf.rsqrt(tf.add(movingVariance, normalization.epsilon ?? 1e-5)));
    // A depthwise kernel ends in [channels, 1], an ordinary one in [in, channels].
    const perChannel = convolution.kind === 'depthwiseConv2d' ? tf.reshape(scale, [-1, 1]) : scale;
    return {
      kernel: tf.keep(tf.mul(kernel, perChannel) as tf.Tensor4D),
      bias: tf.keep(tf.sub(beta, tf.mul(movingMean, scale))),
    };
  });
}
