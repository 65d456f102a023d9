import type { InitializerPlan, LayerPlan } from './network-plan.js';

export const GLOROT: InitializerPlan = { kind: 'glorotUniform' };
export const HE: InitializerPlan = { kind: 'heUniform' };

const COMMON = { kernelSize: 4, strides: 2, padding: 'same' } as const;

export function leakyRelu(name: string): LayerPlan {
  return { kind: 'activation', name, activation: 'leakyRelu', slope: 0.2 };
}

/** The convolutional stages of an autoencoder without normalisation: 4x4 convolutions that halve the side, LeakyReLU 0.2. */
export function downStages(channels: readonly number[]): LayerPlan[] {
  return channels.flatMap((filters, i): LayerPlan[] => [
    { kind: 'conv2d', name: `down${i + 1}`, filters, ...COMMON, kernelInitializer: HE },
    leakyRelu(`down${i + 1}-activation`),
  ]);
}

/**
 * Mirrors `downStages`: 4x4 transposed convolutions that double the side, from the last stage's channels to an image.
 * @param imageChannels filters of the last layer, which has no activation.
 * @param output name of the last layer.
 */
export function upStages(channels: readonly number[], imageChannels: number, output: string): LayerPlan[] {
  const widths = channels.slice(0, -1).reverse();
  return [
    ...widths.flatMap((filters, i): LayerPlan[] => [
      { kind: 'conv2dTranspose', name: `up${i + 1}`, filters, ...COMMON, kernelInitializer: HE },
      leakyRelu(`up${i + 1}-activation`),
    ]),
    { kind: 'conv2dTranspose', name: output, filters: imageChannels, ...COMMON, kernelInitializer: GLOROT },
  ];
}
