import type { LayerPlan, NetworkPlan } from '../kit/network-plan.js';
import { downStages, GLOROT, HE, leakyRelu, upStages } from '../kit/strided-stages.js';
import type { ImageShape } from '../method.js';
import type { Hyperparameters } from './hyperparameters.js';

/** Height and width of the encoder's last feature map; in `cell` granularity the grid of latents. */
export function latentGrid(h: Pick<Hyperparameters, 'stageChannels'>, { height, width }: ImageShape): [number, number] {
  const factor = 2 ** h.stageChannels.length;
  return [height / factor, width / factor];
}

/**
 * Encoder x -> v, two decoders v -> x^_b of the same plan, one for each kind of structure, and the attention net x -> A
 * (spec, "Value encoder and decoders"). Images in [0, 1]; no normalisation, so nothing depends on the batch.
 */
export function planNetworks(
  h: Hyperparameters,
  input: ImageShape,
): readonly [encoder: NetworkPlan, semanticDecoder: NetworkPlan, edgeDecoder: NetworkPlan, attention: NetworkPlan] {
  const image = [input.height, input.width, input.channels];
  const latent = h.granularity === 'image' ? imageLatent(h, input) : cellLatent(h, input);
  const decoder = {
    input: latent.shape,
    layers: [
      ...latent.expand,
      ...upStages(h.stageChannels, input.channels, 'output'),
      { kind: 'activation', name: 'probabilities', activation: 'sigmoid' } as const,
    ],
  };
  return [
    { name: 'encoder', input: image, layers: [...downStages(h.stageChannels), ...latent.squeeze] },
    { name: 'semanticDecoder', ...decoder },
    { name: 'edgeDecoder', ...decoder },
    { name: 'attention', input: image, layers: attentionLayers() },
  ];
}

interface Latent {
  readonly shape: readonly number[];
  /** From the last feature map to the latent, linear. */
  readonly squeeze: readonly LayerPlan[];
  /** Back from the latent to the map. */
  readonly expand: readonly LayerPlan[];
}

/** One vector for the whole image. */
function imageLatent(h: Hyperparameters, input: ImageShape): Latent {
  const grid = [...latentGrid(h, input), h.stageChannels.at(-1)!];
  return {
    shape: [h.latentSize],
    squeeze: [
      { kind: 'flatten', name: 'flat' },
      { kind: 'dense', name: 'code', units: h.latentSize, kernelInitializer: GLOROT },
    ],
    expand: [
      {
        kind: 'dense',
        name: 'expand',
        units: grid.reduce((product, side) => product * side, 1),
        kernelInitializer: HE,
      },
      leakyRelu('expand-activation'),
      { kind: 'reshape', name: 'grid', shape: grid },
    ],
  };
}

/** One vector for every cell of the grid. */
function cellLatent(h: Hyperparameters, input: ImageShape): Latent {
  const pointwise = { kind: 'conv2d', kernelSize: 1, padding: 'valid' } as const;
  return {
    shape: [...latentGrid(h, input), h.latentSize],
    squeeze: [{ ...pointwise, name: 'code', filters: h.latentSize, kernelInitializer: GLOROT }],
    expand: [
      { ...pointwise, name: 'expand', filters: h.stageChannels.at(-1)!, kernelInitializer: HE },
      leakyRelu('expand-activation'),
    ],
  };
}

/** A in (0, 1) for every pixel: it can only choose between two reconstructions, never paint. */
function attentionLayers(): LayerPlan[] {
  const common = { kind: 'conv2d', kernelSize: 3, padding: 'same' } as const;
  return [
    { ...common, name: 'look', filters: 16, kernelInitializer: HE },
    leakyRelu('look-activation'),
    { ...common, name: 'choose', filters: 1, kernelInitializer: GLOROT },
    { kind: 'activation', name: 'share', activation: 'sigmoid' },
  ];
}
