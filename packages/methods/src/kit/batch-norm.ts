import * as tf from '@tensorflow/tfjs';
import { attribute, isRecordingGradient, type NativeBackend, nativeBackend } from './native.js';
import { scalar } from './scalars.js';

/**
 * What a pass through a network means for layers that behave differently in training:
 * - `train+update`: batch statistics; moving averages move towards them; dropout drops.
 * - `train`: batch statistics; moving averages stay; dropout drops.
 * - `infer`: moving averages; nothing is dropped; an output depends on its own input alone.
 */
export type PassMode = 'train+update' | 'train' | 'infer';

/** The four vectors of one batch normalisation, each `[channels]`. */
export interface BatchNormVariables {
  readonly gamma: tf.Variable;
  readonly beta: tf.Variable;
  readonly movingMean: tf.Variable;
  readonly movingVariance: tf.Variable;
}

export interface BatchNormOptions {
  /** Weight of the old moving average, in [0, 1). */
  readonly momentum: number;
  /** Added to the variance. */
  readonly epsilon: number;
}

/** Normalises `[batch, ..., channels]` over all axes but the last. */
export type BatchNorm = (x: tf.Tensor, mode: PassMode) => tf.Tensor;

/**
 * Batch normalisation with an explicit mode for every pass: `gamma * (x - mean) / sqrt(variance + epsilon) + beta`.
 *
 * In `train+update` both moving averages become `momentum * old + (1 - momentum) * batch`, with the biased batch
 * variance (the sum of squares divided by N), as tf.layers and the specs have it; PyTorch keeps the unbiased one. The
 * update happens outside the gradient tape. On the native backend one fused op each way; elsewhere an own gradient.
 */
export function createBatchNorm(variables: BatchNormVariables, options: BatchNormOptions): BatchNorm {
  const train = createTrainPass(variables, options, false);
  const trainAndUpdate = createTrainPass(variables, options, true);
  const { gamma, beta, movingMean, movingVariance } = variables;
  return (x, mode) => {
    if (mode !== 'infer') return (mode === 'train' ? train : trainAndUpdate)(x, gamma, beta);
    // tf.batchNorm is a single op with a registered gradient; it wants rank 4.
    const x4 = toRank4(x);
    const y = tf.batchNorm(
      x4,
      movingMean as unknown as tf.Tensor1D,
      movingVariance as unknown as tf.Tensor1D,
      beta as unknown as tf.Tensor1D,
      gamma as unknown as tf.Tensor1D,
      options.epsilon,
    );
    return x4 === x ? y : tf.reshape(y, x.shape);
  };
}

function createTrainPass(variables: BatchNormVariables, options: BatchNormOptions, isUpdating: boolean) {
  return tf.customGrad((...args: unknown[]) => {
    const [x, gamma, beta, save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    // Of a single position the fused op takes the unbiased variance, 0 / 0, on a GPU.
    const native = sampleCount(x) === 1 ? null : nativeBackend();
    if (native === null) {
      const { mean, variance } = moments(x);
      if (isUpdating) blendMovingAverages(variables, options, mean, variance);
      const y = tf.add(tf.mul(tf.sub(x, mean), tf.mul(gamma, inverseDeviation(variance, options))), beta);
      save([x, gamma]);
      return {
        value: y,
        gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => composedGradient(dy, saved[0]!, saved[1]!, options),
      };
    }
    const x4 = toRank4(x);
    const [y, reserved] = runFused(native, { x4, gamma, beta, variables, options, isUpdating });
    save([x, gamma, ...reserved]);
    return {
      value: x4 === x ? y : tf.reshape(y, x.shape),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        isRecordingGradient()
          ? composedGradient(dy, saved[0]!, saved[1]!, options)
          : fusedGradient(native, dy, saved, options),
    };
  }) as (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => tf.Tensor;
}

interface FusedPass {
  readonly x4: tf.Tensor;
  readonly gamma: tf.Tensor;
  readonly beta: tf.Tensor;
  readonly variables: BatchNormVariables;
  readonly options: BatchNormOptions;
  readonly isUpdating: boolean;
}

/**
 * FusedBatchNormV3 in training mode. With an averaging factor below 1 the op also blends the running averages it is
 * given, but with the unbiased variance `b * N / (N - 1)`; feeding it `old * N / (N - 1)` and scaling the result back
 * by `(N - 1) / N` leaves exactly `momentum * old + (1 - momentum) * b`. N is above 1.
 */
function runFused(native: NativeBackend, pass: FusedPass): [tf.Tensor, tf.Tensor[]] {
  const { x4, gamma, beta, variables, options, isUpdating } = pass;
  const samples = sampleCount(x4);
  const bessel = samples / (samples - 1);
  const attributes = [
    ...fusedAttributes(native, options),
    attribute.float(native, 'exponential_avg_factor', isUpdating ? 1 - options.momentum : 1),
  ];
  const empty = isUpdating ? null : tf.tensor1d([], 'float32');
  const running = isUpdating
    ? [variables.movingMean, tf.mul(variables.movingVariance, scalar(bessel))]
    : [empty!, empty!];
  const outputs = native.executeMultipleOutputs('FusedBatchNormV3', attributes, [x4, gamma, beta, ...running], 6);
  const [y, mean, variance, ...reserved] = outputs as [tf.Tensor, tf.Tensor, tf.Tensor, ...tf.Tensor[]];
  if (isUpdating) {
    variables.movingMean.assign(mean);
    variables.movingVariance.assign(tf.mul(variance, scalar(1 / bessel)));
  }
  return [y, reserved];
}

function fusedGradient(
  native: NativeBackend,
  dy: tf.Tensor,
  [x, gamma, ...reserved]: tf.Tensor[],
  options: BatchNormOptions,
): tf.Tensor[] {
  const inputs = [toRank4(dy), toRank4(x!), gamma!, ...reserved];
  const outputs = native.executeMultipleOutputs('FusedBatchNormGradV3', fusedAttributes(native, options), inputs, 5);
  const [dx, dGamma, dBeta] = outputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  return [x!.rank === 4 ? dx : tf.reshape(dx, x!.shape), dGamma, dBeta];
}

function fusedAttributes(native: NativeBackend, options: BatchNormOptions) {
  return [
    attribute.type(native, 'T', 'float32'),
    attribute.type(native, 'U', 'float32'),
    attribute.float(native, 'epsilon', options.epsilon),
    attribute.string(native, 'data_format', 'NHWC'),
    attribute.bool(native, 'is_training', true),
  ];
}

/** The gradient from ops that have gradients themselves, recomputed from the inputs: for other backends and second order. */
function composedGradient(dy: tf.Tensor, x: tf.Tensor, gamma: tf.Tensor, options: BatchNormOptions): tf.Tensor[] {
  const axes = positionAxes(x);
  const { mean, variance } = moments(x);
  const inverse = inverseDeviation(variance, options);
  const normalized = tf.mul(tf.sub(x, mean), inverse);
  const dBeta = tf.sum(dy, axes);
  const dGamma = tf.sum(tf.mul(dy, normalized), axes);
  const perSample = scalar(1 / sampleCount(x));
  const centred = tf.sub(tf.sub(dy, tf.mul(dBeta, perSample)), tf.mul(normalized, tf.mul(dGamma, perSample)));
  return [tf.mul(centred, tf.mul(gamma, inverse)), dGamma, dBeta];
}

function moments(x: tf.Tensor): { mean: tf.Tensor; variance: tf.Tensor } {
  const axes = positionAxes(x);
  const perSample = scalar(1 / sampleCount(x));
  const mean = tf.mul(tf.sum(x, axes), perSample);
  return { mean, variance: tf.mul(tf.sum(tf.square(tf.sub(x, mean)), axes), perSample) };
}

function inverseDeviation(variance: tf.Tensor, { epsilon }: BatchNormOptions): tf.Tensor {
  return tf.rsqrt(tf.add(variance, scalar(epsilon)));
}

function blendMovingAverages(
  { movingMean, movingVariance }: BatchNormVariables,
  { momentum }: BatchNormOptions,
  mean: tf.Tensor,
  variance: tf.Tensor,
): void {
  const blend = (old: tf.Tensor, batch: tf.Tensor) =>
    tf.add(tf.mul(old, scalar(momentum)), tf.mul(batch, scalar(1 - momentum)));
  movingMean.assign(blend(movingMean, mean));
  movingVariance.assign(blend(movingVariance, variance));
}

/** Values of each channel. */
function sampleCount(x: tf.Tensor): number {
  return x.size / x.shape.at(-1)!;
}

function positionAxes(x: tf.Tensor): number[] {
  return x.shape.slice(0, -1).map((_, axis) => axis);
}

function toRank4(x: tf.Tensor): tf.Tensor4D {
  return x.rank === 4 ? (x as tf.Tensor4D) : tf.reshape(x, [x.size / x.shape.at(-1)!, 1, 1, x.shape.at(-1)!]);
}
