import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { convolve } from '../kit/layer-functions.js';
import type { Network } from '../kit/network.js';
import type { Conv2dPlan } from '../kit/network-plan.js';
import { scalar } from '../kit/scalars.js';
import type { ModelBuffer } from '../method.js';

/** Estimates of the first singular vectors of a layer's kernel, seen as a matrix `[inputs, outputs]`. */
interface SingularVectors {
  /** `[outputs, 1]`, of length 1. */
  readonly u: tf.Tensor2D;
  /** `[inputs, 1]`, of length 1. */
  readonly v: tf.Tensor2D;
}

/** The vectors of every convolution by its name: what one forward pass normalises with. */
export type SpectralState = ReadonlyMap<string, SingularVectors>;

/** A network whose convolutions are divided by their largest singular value (Miyato et al. 2018). */
export interface SpectralNetwork {
  /** One power iteration for every kernel, as each pass in training makes one; constants for whoever records a gradient. */
  iterate(): SpectralState;
  /** `x` through all layers with kernels W / sigma, sigma = v^T W u; the gradient flows through W in both places. */
  apply(x: tf.Tensor, state: SpectralState): tf.Tensor;
  /** The vectors as they are, for a pass that is no training. */
  state(): SpectralState;
  /** What a checkpoint must keep. */
  readonly buffers: Readonly<Record<string, ModelBuffer>>;
  dispose(): void;
}

/** Keeps a vector from being divided by nothing. */
const EPSILON = 1e-12;

/** @param seed decides the first vectors: N(0, 1), normalised. */
export function createSpectralNetwork(network: Network, seed: number): SpectralNetwork {
  const layers = network.summary.layers.map(({ plan }) => plan);
  const convolutions = layers.filter((plan): plan is Conv2dPlan => plan.kind === 'conv2d');
  const matrixOf = ({ name, filters }: Conv2dPlan) =>
    tf.reshape(network.variable(name, 'kernel'), [-1, filters]) as tf.Tensor2D;

  const vectors = new Map(
    convolutions.map((plan) => {
      const kernel = network.variable(plan.name, 'kernel');
      const draw = (side: 'u' | 'v', length: number) => createUnitVector(length, seed, plan.name, side);
      return [plan.name, { u: draw('u', plan.filters), v: draw('v', kernel.size / plan.filters) }] as const;
    }),
  );
  const buffers = Object.fromEntries(
    [...vectors].flatMap(([name, { u, v }]) => [
      [`${name}-u`, toBuffer(u)],
      [`${name}-v`, toBuffer(v)],
    ]),
  );

  return {
    iterate: () =>
      new Map(
        convolutions.map((plan) => {
          const held = vectors.get(plan.name)!;
          const matrix = matrixOf(plan);
          const v = normalise(tf.matMul(matrix, held.u));
          const u = normalise(tf.matMul(matrix, v, true, false));
          held.v.assign(v);
          held.u.assign(u);
          return [plan.name, { u, v }];
        }),
      ),
    apply(x, state) {
      let current = x;
      for (const plan of layers) {
        if (plan.kind !== 'conv2d') {
          current = network.layer(plan.name).apply(current, 'train');
          continue;
        }
        const { u, v } = state.get(plan.name)!;
        const sigma = tf.reshape(tf.matMul(v, tf.matMul(matrixOf(plan), u), true, false), []);
        const kernel = tf.div(network.variable(plan.name, 'kernel'), sigma);
        current = convolve(plan, current as tf.Tensor4D, kernel as tf.Tensor4D);
      }
      return current;
    },
    state: () => vectors,
    buffers,
    dispose() {
      for (const { u, v } of vectors.values()) tf.dispose([u, v]);
    },
  };
}

function normalise(vector: tf.Tensor2D): tf.Tensor2D {
  return tf.div(vector, tf.maximum(tf.norm(vector), scalar(EPSILON))) as tf.Tensor2D;
}

function createUnitVector(length: number, seed: number, layer: string, side: 'u' | 'v'): tf.Variable<tf.Rank.R2> {
  const values = createGenerator(seed, 'spectral-norm', layer, side).fillNormal(new Float32Array(length));
  return tf.tidy(() => tf.variable(normalise(tf.tensor2d(values, [length, 1])), false));
}

function toBuffer(vector: tf.Variable<tf.Rank.R2>): ModelBuffer {
  return {
    read: () => ({ shape: vector.shape, data: vector.dataSync<'float32'>() }),
    write: ({ data, shape }) => tf.tidy(() => vector.assign(tf.tensor2d(data, shape as [number, number]))),
  };
}
