import type { LayerPlan } from '../kit/network-plan.js';
import { type BackboneArchitecture, IMAGENET, scaleChannels } from './architecture.js';

/** Channels of the 3x3 convolutions of each block; every block ends in a 2x2 max pool. */
const BLOCKS = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
] as const;

/**
 * VGG16 without batch normalisation (Simonyan and Zisserman 2014), convolutional part, in torchvision's numbering:
 * `features.0` to `features.30`. The classifier is not planned: nothing here needs it.
 */
export const vgg16: BackboneArchitecture = {
  name: 'vgg16',
  title: 'VGG16 without batch normalisation, convolutional part',
  published: 'torchvision vgg16, timm vgg16.tv_in1k',
  normalization: IMAGENET,
  taps: { pool1: 'features.4', pool2: 'features.9', pool3: 'features.16', pool4: 'features.23', pool5: 'features.30' },
  hasClasses: false,
  hasLinearTaps: false,
  plan({ network, height, width, channelFactor }) {
    const layers: LayerPlan[] = [];
    const nextName = () => `features.${layers.length}`;
    for (const block of BLOCKS) {
      for (const channels of block) {
        layers.push({
          kind: 'conv2d',
          name: nextName(),
          filters: scaleChannels(channels, channelFactor),
          kernelSize: 3,
          padding: 1,
          kernelInitializer: { kind: 'heNormal' },
        });
        layers.push({ kind: 'activation', name: nextName(), activation: 'relu' });
      }
      layers.push({ kind: 'maxPool2d', name: nextName(), poolSize: 2, padding: 'valid' });
    }
    return { name: network, input: [height, width, 3], layers };
  },
};

/** The file "features only" ported from Caffe: the same names, pixels of 0 to 255 around other means. */
export const vgg16Caffe: BackboneArchitecture = {
  ...vgg16,
  name: 'vgg16-caffe',
  title: 'VGG16 ported from Caffe, convolutional part',
  published: 'torchvision vgg16 IMAGENET1K_FEATURES',
  normalization: { mean: [0.48235, 0.45882, 0.40784], deviation: [1 / 255, 1 / 255, 1 / 255] },
};
