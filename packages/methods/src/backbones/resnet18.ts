import type { LayerPlan } from '../kit/network-plan.js';
import { type BackboneArchitecture, IMAGENET, scaleChannels } from './architecture.js';

const WIDTHS = [64, 128, 256, 512] as const;
const BLOCKS_PER_LAYER = 2;

/**
 * ResNet-18 (He et al. 2015) in torchvision's layout: the stride of a block is on its first 3x3 convolution, batch
 * normalisation has epsilon 1e-5, and stride-2 convolutions and the pool pad by numbers, as PyTorch does.
 */
export const resnet18: BackboneArchitecture = {
  name: 'resnet18',
  title: 'ResNet-18',
  published: 'torchvision resnet18, timm resnet18.tv_in1k',
  normalization: IMAGENET,
  taps: {
    relu: 'relu',
    maxpool: 'maxpool',
    layer1: 'layer1.1.relu2',
    layer2: 'layer2.1.relu2',
    layer3: 'layer3.1.relu2',
    layer4: 'layer4.1.relu2',
  },
  hasClasses: true,
  hasLinearTaps: false,
  plan({ network, height, width, end = 'taps', channelFactor }) {
    const stem = scaleChannels(WIDTHS[0], channelFactor);
    const layers: LayerPlan[] = [
      convolution('conv1', stem, { kernelSize: 7, strides: 2, padding: 3 }),
      { kind: 'batchNorm', name: 'bn1' },
      { kind: 'activation', name: 'relu', activation: 'relu' },
      { kind: 'maxPool2d', name: 'maxpool', poolSize: 3, strides: 2, padding: 1 },
    ];
    WIDTHS.forEach((channels, i) => {
      for (let block = 0; block < BLOCKS_PER_LAYER; block++) {
        layers.push(
          ...basicBlock(`layer${i + 1}.${block}`, layers.at(-1)!.name, {
            filters: scaleChannels(channels, channelFactor),
            isReducing: i > 0 && block === 0,
          }),
        );
      }
    });
    if (end === 'classes') {
      layers.push({ kind: 'globalAveragePool', name: 'avgpool' }, { kind: 'dense', name: 'fc', units: 1000 });
    }
    return { name: network, input: [height, width, 3], layers };
  },
};

function basicBlock(
  name: string,
  input: string,
  { filters, isReducing }: { readonly filters: number; readonly isReducing: boolean },
): LayerPlan[] {
  const strides = isReducing ? 2 : 1;
  const shortcut: LayerPlan[] = isReducing
    ? [
        { ...convolution(`${name}.downsample.0`, filters, { kernelSize: 1, strides, padding: 0 }), from: input },
        { kind: 'batchNorm', name: `${name}.downsample.1` },
      ]
    : [];
  return [
    { ...convolution(`${name}.conv1`, filters, { kernelSize: 3, strides, padding: 1 }), from: input },
    { kind: 'batchNorm', name: `${name}.bn1` },
    { kind: 'activation', name: `${name}.relu1`, activation: 'relu' },
    convolution(`${name}.conv2`, filters, { kernelSize: 3, strides: 1, padding: 1 }),
    { kind: 'batchNorm', name: `${name}.bn2` },
    ...shortcut,
    { kind: 'add', name: `${name}.add`, from: `${name}.bn2`, with: isReducing ? `${name}.downsample.1` : input },
    { kind: 'activation', name: `${name}.relu2`, activation: 'relu' },
  ];
}

function convolution(
  name: string,
  filters: number,
  window: { readonly kernelSize: number; readonly strides: number; readonly padding: number },
): LayerPlan {
  return { kind: 'conv2d', name, filters, ...window, bias: false, kernelInitializer: { kind: 'heNormal' } };
}
