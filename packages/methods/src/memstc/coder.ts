import * as tf from '@tensorflow/tfjs';
import type { PassMode } from '../kit/batch-norm.js';
import { createNetwork, type Network } from '../kit/network.js';
import type { ModelContext } from '../method.js';
import type { Hyperparameters } from './hyperparameters.js';
import { planNetworks } from './networks.js';

/** The networks, and the latents between them as rows of the memory. */
export interface Coder {
  readonly networks: Readonly<Record<'encoder' | 'semanticDecoder' | 'edgeDecoder' | 'attention', Network>>;
  /** v = Enc(x): `[batch * entries per image, latentSize]`, an image's cells row by row. */
  encode(images: tf.Tensor4D, mode: PassMode): tf.Tensor2D;
  /** Dec_1 and Dec_2, each of its own values: `[batch, height, width, channels]` in (0, 1). */
  decode(values: readonly [tf.Tensor2D, tf.Tensor2D], mode: PassMode): readonly [tf.Tensor4D, tf.Tensor4D];
  /** A(x): `[batch, height, width, 1]` in (0, 1). */
  attend(images: tf.Tensor4D, mode: PassMode): tf.Tensor4D;
  dispose(): void;
}

export function createCoder(h: Hyperparameters, context: ModelContext): Coder {
  const [encoderPlan, semanticPlan, edgePlan, attentionPlan] = planNetworks(h, context.input);
  const networks = {
    encoder: createNetwork(encoderPlan, context),
    semanticDecoder: createNetwork(semanticPlan, context),
    edgeDecoder: createNetwork(edgePlan, context),
    attention: createNetwork(attentionPlan, context),
  };
  const latent = semanticPlan.input;
  const run = (decoder: Network, values: tf.Tensor2D, mode: PassMode) =>
    decoder.apply(tf.reshape(values, [-1, ...latent]), mode) as tf.Tensor4D;
  return {
    networks,
    encode: (images, mode) => tf.reshape(networks.encoder.apply(images, mode), [-1, h.latentSize]) as tf.Tensor2D,
    decode: ([semantic, edges], mode) => [
      run(networks.semanticDecoder, semantic, mode),
      run(networks.edgeDecoder, edges, mode),
    ],
    attend: (images, mode) => networks.attention.apply(images, mode) as tf.Tensor4D,
    dispose() {
      for (const network of Object.values(networks)) network.dispose();
    },
  };
}
