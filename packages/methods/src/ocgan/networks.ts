import type { InitializerPlan, LayerPlan, NetworkPlan } from '../kit/network-plan.js';
import type { ImageShape } from '../method.js';
import type { Hyperparameters } from './hyperparameters.js';

/** Convolutions and code layers start from N(0, 0.02^2) (authors' code), batch-norm scales from N(1, 0.02^2). */
const WEIGHTS: InitializerPlan = { kind: 'normal', sd: 0.02 };
const SCALES: InitializerPlan = { kind: 'normal', mean: 1, sd: 0.02 };

/** What the networks see: side of the square image, its channels, and the side after the three strided layers. */
export interface Geometry {
  readonly side: number;
  readonly channels: number;
  readonly innerSide: number;
  readonly padding: 'same' | 'valid';
}

/** Spec section 2: sides 32-16-8-4 with 'same', or 61-29-13-5 with 'valid' convolutions, then one layer to 1x1. */
export function geometryOf(h: Hyperparameters, input: ImageShape): Geometry {
  return h.geometry === 'native32'
    ? { side: 32, channels: input.channels, innerSide: 4, padding: 'same' }
    : { side: 61, channels: 3, innerSide: 5, padding: 'valid' };
}

/** En, De, D_l, D_v and C for a geometry. */
export function planNetworks(h: Hyperparameters, geometry: Geometry): readonly NetworkPlan[] {
  const { side, channels } = geometry;
  const image = [side, side, channels];
  return [
    { name: 'encoder', input: image, layers: encoderLayers(h, geometry) },
    { name: 'decoder', input: [h.latentSize], layers: decoderLayers(h, geometry) },
    { name: 'latentDiscriminator', input: [h.latentSize], layers: latentDiscriminatorLayers(h) },
    { name: 'visualDiscriminator', input: image, layers: imageClassifierLayers(h.visualWidth, geometry) },
    { name: 'classifier', input: image, layers: imageClassifierLayers(h.classifierWidth, geometry) },
  ];
}

/**
 * En (spec 2.1): three 5x5 stride-2 convolutions and one to the code, tanh at the end. The last convolution covers its
 * whole input, so it is written as a dense layer: the same numbers in the same order, one matrix product.
 */
function encoderLayers(h: Hyperparameters, geometry: Geometry): LayerPlan[] {
  const g = h.encoderWidth;
  return [
    ...stridedBlock('conv1', g, geometry, { isFirst: true }),
    ...stridedBlock('conv2', 2 * g, geometry),
    ...stridedBlock('conv3', 4 * g, geometry),
    { kind: 'flatten', name: 'flatten' },
    { kind: 'dense', name: 'code', units: h.latentSize, bias: false, kernelInitializer: WEIGHTS },
    ...(h.latentBatchNorm ? [batchNorm('codeNorm')] : []),
    { kind: 'activation', name: 'codeTanh', activation: 'tanh' },
  ];
}

/** De (spec 2.2): the mirror image, ReLU inside, tanh at the end. */
function decoderLayers(h: Hyperparameters, geometry: Geometry): LayerPlan[] {
  const g = h.encoderWidth;
  const { innerSide: inner, channels } = geometry;
  const dropout: LayerPlan[] =
    h.decoderDropout > 0 ? [{ kind: 'dropout', name: 'dropout3', rate: h.decoderDropout }] : [];
  return [
    { kind: 'dense', name: 'deconv1', units: inner * inner * 4 * g, bias: false, kernelInitializer: WEIGHTS },
    { kind: 'reshape', name: 'reshape1', shape: [inner, inner, 4 * g] },
    batchNorm('norm1'),
    relu('relu1'),
    transposed('deconv2', 2 * g, geometry, false),
    batchNorm('norm2'),
    relu('relu2'),
    transposed('deconv3', g, geometry, false),
    batchNorm('norm3'),
    ...dropout,
    relu('relu3'),
    transposed('deconv4', channels, geometry, true),
    { kind: 'activation', name: 'imageTanh', activation: 'tanh' },
  ];
}

/** D_v and C (spec 2.3): the encoder's shape at another width, ending in one logit. */
function imageClassifierLayers(width: number, geometry: Geometry): LayerPlan[] {
  return [
    ...stridedBlock('conv1', width, geometry, { isFirst: true }),
    ...stridedBlock('conv2', 2 * width, geometry),
    ...stridedBlock('conv3', 4 * width, geometry),
    { kind: 'flatten', name: 'flatten' },
    { kind: 'dense', name: 'logit', units: 1, kernelInitializer: WEIGHTS },
  ];
}

/** D_l (spec 2.4): d-128-64-32-16-1, a logit; Glorot weights, because five layers of 0.02 start dead (spec 2.5). */
function latentDiscriminatorLayers(h: Hyperparameters): LayerPlan[] {
  const hidden = [128, 64, 32, 16].flatMap((units, i): LayerPlan[] => {
    const isNormalized = h.latentDiscBatchNorm && (units === 64 || units === 32);
    return [
      { kind: 'dense', name: `dense${i + 1}`, units },
      ...(isNormalized ? [batchNorm(`norm${i + 1}`)] : []),
      relu(`relu${i + 1}`),
    ];
  });
  return [...hidden, { kind: 'dense', name: 'logit', units: 1 }];
}

function stridedBlock(name: string, filters: number, geometry: Geometry, { isFirst = false } = {}): LayerPlan[] {
  const convolution: LayerPlan = {
    kind: 'conv2d',
    name,
    filters,
    kernelSize: 5,
    strides: 2,
    padding: geometry.padding,
    bias: isFirst,
    kernelInitializer: WEIGHTS,
  };
  const activation: LayerPlan = { kind: 'activation', name: `${name}Relu`, activation: 'leakyRelu', slope: 0.2 };
  return isFirst ? [convolution, activation] : [convolution, batchNorm(`${name}Norm`), activation];
}

function transposed(name: string, filters: number, geometry: Geometry, bias: boolean): LayerPlan {
  return {
    kind: 'conv2dTranspose',
    name,
    filters,
    kernelSize: 5,
    strides: 2,
    padding: geometry.padding,
    bias,
    kernelInitializer: WEIGHTS,
  };
}

function batchNorm(name: string): LayerPlan {
  return { kind: 'batchNorm', name, momentum: 0.9, epsilon: 1e-5, gammaInitializer: SCALES };
}

function relu(name: string): LayerPlan {
  return { kind: 'activation', name, activation: 'relu' };
}
