import { AdctlError } from '@adctl/protocol';
import * as tf from '@tensorflow/tfjs';
import type { PassMode } from '../kit/batch-norm.js';
import { biasAdd } from '../kit/bias-add.js';
import type { Network } from '../kit/network.js';
import { scalar } from '../kit/scalars.js';

/** What flows through the network: pictures, and for partial convolutions which of their pixels are known. */
interface Flow {
  /** `[batch, height, width, channels]`. */
  readonly features: tf.Tensor4D;
  /** One mask for each group of neighbouring channels; absent for ordinary convolutions. */
  readonly visible?: readonly ChannelMask[];
}

interface ChannelMask {
  /** `[batch, height, width, 1]`, 1 where a value is known. */
  readonly mask: tf.Tensor4D;
  readonly channels: number;
}

/** Restores hidden pixels: images `[batch, height, width, channels]`, masks `[batch, height, width, 1]` with 1 = hidden. */
export type Inpaint = (images: tf.Tensor4D, hidden: tf.Tensor4D, mode: PassMode) => tf.Tensor4D;

/**
 * The forward pass of the U-Net. Hidden pixels are removed before the first layer, so neither it nor the skip
 * connections can see them. Where an odd side was halved upwards, the doubled picture loses its last row or column.
 *
 * @param network planned by `planNetworks` with the same settings.
 */
export function createInpaint(network: Network, levels: number, isPartial: boolean): Inpaint {
  const run = isPartial ? partialConvolution : ordinaryConvolution;
  const block = (name: string, flow: Flow, mode: PassMode): Flow => {
    const { features, visible } = run(network, name, flow, mode);
    const normalised = network.layer(`${name}-norm`).apply(features, mode);
    const activated = network.layer(`${name}-activation`).apply(normalised, mode) as tf.Tensor4D;
    return { features: activated, ...(visible === undefined ? {} : { visible }) };
  };

  return (images, hidden, mode) => {
    const known = tf.sub(scalar(1), hidden) as tf.Tensor4D;
    const shown = tf.mul(images, known) as tf.Tensor4D;
    let flow: Flow = isPartial
      ? { features: shown, visible: [{ mask: known, channels: images.shape[3] }] }
      : { features: tf.concat([shown, hidden], 3) };
    const skips: Flow[] = [];
    for (let i = 0; i <= levels; i++) {
      flow = block(`e${i}`, flow, mode);
      skips.push(flow);
    }
    for (let i = levels - 1; i >= 0; i--) flow = block(`d${i}`, joinSkip(flow, skips[i]!), mode);
    const logits = run(network, 'out', flow, mode).features;
    return network.layer('out-activation').apply(logits, mode) as tf.Tensor4D;
  };
}

function joinSkip(flow: Flow, skip: Flow): Flow {
  const [, height, width] = skip.features.shape;
  const features = tf.concat([double(flow.features, height, width), skip.features], 3) as tf.Tensor4D;
  if (flow.visible === undefined || skip.visible === undefined) return { features };
  const doubled = flow.visible.map(({ mask, channels }) => ({ mask: double(mask, height, width), channels }));
  return { features, visible: [...doubled, ...skip.visible] };
}

/** Nearest-neighbour doubling, cut to the given size. */
function double(x: tf.Tensor4D, height: number, width: number): tf.Tensor4D {
  const [, h, w] = x.shape;
  const doubled = tf.image.resizeNearestNeighbor(x, [2 * h, 2 * w]);
  return 2 * h === height && 2 * w === width ? doubled : tf.slice4d(doubled, [0, 0, 0, 0], [-1, height, width, -1]);
}

function ordinaryConvolution(network: Network, name: string, { features }: Flow, mode: PassMode): Flow {
  return { features: network.layer(name).apply(features, mode) as tf.Tensor4D };
}

/**
 * Partial convolution (Liu et al. 2018): `W (X M') (k k C / sum of M' under the window) + b`, zero where nothing under
 * the window is known; known afterwards is every position whose window saw something. The scale is a constant of
 * the mask, without a gradient.
 */
function partialConvolution(network: Network, name: string, { features, visible = [] }: Flow): Flow {
  const { plan } = network.layer(name).summary;
  if (plan.kind !== 'conv2d') {
    throw new AdctlError(`layer '${name}' is no convolution`, { code: 'network_plan_invalid', kind: 'bug' });
  }
  const { kernelSize: k, strides = 1, padding } = plan;
  const kernel = network.variable(name, 'kernel') as unknown as tf.Tensor4D;
  const [, height, width] = features.shape;
  const perChannel = tf.concat(
    visible.map(({ mask, channels }) => tf.broadcastTo(mask, [mask.shape[0], height, width, channels])),
    3,
  );
  const ones = tf.ones<tf.Rank.R4>([k, k, 1, 1]);
  const windowSum = tf.addN(
    visible.map(({ mask, channels }) => tf.mul(tf.conv2d(mask, ones, strides, padding), scalar(channels))),
  ) as tf.Tensor4D;
  const scale = tf.divNoNan(scalar(k * k * features.shape[3]), windowSum);
  const isKnown = tf.cast(tf.greater(windowSum, scalar(0)), 'float32') as tf.Tensor4D;
  const convolved = tf.conv2d(tf.mul(features, perChannel) as tf.Tensor4D, kernel, strides, padding);
  const biased = biasAdd(tf.mul(convolved, scale), network.variable(name, 'bias'));
  return {
    features: tf.mul(biased, isKnown) as tf.Tensor4D,
    visible: [{ mask: isKnown, channels: kernel.shape[3] }],
  };
}
