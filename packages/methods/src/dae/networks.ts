import type { LayerPlan, NetworkPlan } from '../kit/network-plan.js';
import { downStages, GLOROT, HE, leakyRelu, upStages } from '../kit/strided-stages.js';
import type { ImageShape } from '../method.js';
import { codeActivationOf, type Hyperparameters } from './hyperparameters.js';

/** The layer whose output, flattened, holds one logit per component, in the image's order. */
export const LOGITS_LAYER = 'output';

/**
 * Encoder x -> z and decoder z -> x^ (spec, "Networks"). Images are `[batch, height, width, channels]`, the code
 * `[batch, latentSize]`. No normalisation layers: scores do not depend on the batch.
 */
export function planNetworks(h: Hyperparameters, input: ImageShape): readonly [NetworkPlan, NetworkPlan] {
  return h.arch === 'conv' ? planConvolutional(h, input) : planDense(h, input);
}

function shapeOf({ height, width, channels }: ImageShape): readonly number[] {
  return [height, width, channels];
}

function planDense(h: Hyperparameters, input: ImageShape): readonly [NetworkPlan, NetworkPlan] {
  const hidden = h.arch === 'dense-deep' ? h.hiddenUnits : [];
  const tie = (layer: string) => (h.tied ? { tiedTo: { network: 'encoder', layer } } : {});
  const relu = (name: string): LayerPlan => ({ kind: 'activation', name, activation: 'relu' });
  const encoder: LayerPlan[] = [
    { kind: 'flatten', name: 'flat' },
    ...hidden.flatMap((units, i): LayerPlan[] => [
      { kind: 'dense', name: `hidden${i + 1}`, units, kernelInitializer: GLOROT },
      relu(`hidden${i + 1}-activation`),
    ]),
    ...codeLayers(h),
  ];
  // Decoder layer i undoes encoder layer i, so a tied one takes the kernel of the layer it undoes.
  const decoder: LayerPlan[] = hidden
    .map((units, i): LayerPlan[] => [
      {
        kind: 'dense',
        name: `hidden${i + 1}`,
        units,
        kernelInitializer: GLOROT,
        ...tie(i + 1 === hidden.length ? 'code' : `hidden${i + 2}`),
      },
      relu(`hidden${i + 1}-activation`),
    ])
    .reverse()
    .flat();
  const output: LayerPlan = {
    kind: 'dense',
    name: LOGITS_LAYER,
    units: input.height * input.width * input.channels,
    kernelInitializer: GLOROT,
    ...tie(hidden.length === 0 ? 'code' : 'hidden1'),
  };
  return [
    { name: 'encoder', input: shapeOf(input), layers: encoder },
    {
      name: 'decoder',
      input: [h.latentSize],
      layers: [...decoder, output, ...outputActivation(h), { kind: 'reshape', name: 'image', shape: shapeOf(input) }],
    },
  ];
}

function planConvolutional(h: Hyperparameters, input: ImageShape): readonly [NetworkPlan, NetworkPlan] {
  const stages = h.stageChannels;
  const factor = 2 ** stages.length;
  const grid = [Math.floor(input.height / factor), Math.floor(input.width / factor), stages.at(-1)!] as const;
  const encoder: LayerPlan[] = [...downStages(stages), { kind: 'flatten', name: 'flat' }, ...codeLayers(h)];
  const decoder: LayerPlan[] = [
    { kind: 'dense', name: 'expand', units: grid[0] * grid[1] * grid[2], kernelInitializer: HE },
    leakyRelu('expand-activation'),
    { kind: 'reshape', name: 'grid', shape: grid },
    ...upStages(stages, input.channels, LOGITS_LAYER),
    ...outputActivation(h),
  ];
  return [
    { name: 'encoder', input: shapeOf(input), layers: encoder },
    { name: 'decoder', input: [h.latentSize], layers: decoder },
  ];
}

function codeLayers(h: Hyperparameters): LayerPlan[] {
  const activation = codeActivationOf(h);
  const code: LayerPlan = { kind: 'dense', name: 'code', units: h.latentSize, kernelInitializer: GLOROT };
  return activation === 'linear' ? [code] : [code, { kind: 'activation', name: 'code-activation', activation }];
}

function outputActivation(h: Hyperparameters): LayerPlan[] {
  return h.outputActivation === 'linear' ? [] : [{ kind: 'activation', name: 'probabilities', activation: 'sigmoid' }];
}
