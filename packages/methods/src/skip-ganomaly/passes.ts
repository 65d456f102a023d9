import * as tf from '@tensorflow/tfjs';
import type { PassMode } from '../kit/batch-norm.js';
import type { Layer, Network } from '../kit/network.js';
import { scalar } from '../kit/scalars.js';
import type { Hyperparameters } from './hyperparameters.js';
import { BATCH_NORM_EPSILON, FEATURE_LAYER, hasSkip, LOGIT_LAYER } from './networks.js';

/** A pass of the kit, or `instance`: like `infer`, but every image is normalised by its own statistics over its pixels. */
export type Pass = PassMode | 'instance';

/** What D makes of images. */
export interface Judgement {
  /** f(x), `[batch, latentSize]`. */
  readonly feature: tf.Tensor;
  /** D(x) before the sigmoid, `[batch]`. */
  readonly logit: tf.Tensor1D;
}

/**
 * x^ = G(x): `[batch, side, side, channels]` in [-1, 1], like the input.
 * @param levels stride-2 levels of the network.
 */
export function runGenerator(
  generator: Network,
  x: tf.Tensor,
  { pass, levels, skipLevels }: { readonly pass: Pass; readonly levels: number } & Pick<Hyperparameters, 'skipLevels'>,
): tf.Tensor4D {
  const run = (name: string, input: tf.Tensor) => runLayer(generator.layer(name), input, pass);
  const maps: tf.Tensor[] = [];
  let y = x;
  for (let level = 1; level <= levels; level++) {
    if (level > 1) y = run(`down${level}Relu`, y);
    y = run(`down${level}`, y);
    if (level > 1 && level < levels) y = run(`down${level}Norm`, y);
    maps[level] = y;
  }
  for (let level = levels; level >= 1; level--) {
    if (hasSkip({ skipLevels }, level, levels)) y = tf.concat([maps[level]!, y], 3);
    y = run(`up${level}`, run(`up${level}Relu`, y));
    if (level > 1) y = run(`up${level}Norm`, y);
  }
  return run('imageTanh', y) as tf.Tensor4D;
}

/** D on one kind of images; real and reconstructed ones need a pass each, for their own batch statistics. */
export function runDiscriminator(discriminator: Network, x: tf.Tensor, pass: Pass): Judgement {
  let feature = x;
  for (const { name } of discriminator.plan.layers) {
    feature = runLayer(discriminator.layer(name), feature, pass);
    if (name === FEATURE_LAYER) break;
  }
  const logit = runLayer(discriminator.layer(LOGIT_LAYER), feature, pass);
  return { feature, logit: tf.reshape(logit, [-1]) };
}

function runLayer(layer: Layer, x: tf.Tensor, pass: Pass): tf.Tensor {
  if (pass !== 'instance') return layer.apply(x, pass);
  return layer.summary.plan.kind === 'batchNorm' ? normalizeInstances(layer, x) : layer.apply(x, 'infer');
}

/** `gamma (x - mean) / sqrt(variance + epsilon) + beta` with the moments of each image and channel over the pixels. */
function normalizeInstances(layer: Layer, x: tf.Tensor): tf.Tensor {
  const variableOf = (parameter: 'gamma' | 'beta') => layer.variables.find((v) => v.parameter === parameter)!.variable;
  const { mean, variance } = tf.moments(x, [1, 2], true);
  const normalized = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, scalar(BATCH_NORM_EPSILON))));
  return tf.add(tf.mul(normalized, variableOf('gamma')), variableOf('beta'));
}
