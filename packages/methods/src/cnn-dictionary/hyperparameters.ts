import type { SearchSpace } from '@adctl/search';
import { z } from 'zod';
import { BACKBONE_NAMES, type BackboneName } from '../backbones/architecture.js';
import { backboneOf } from '../backbones/registry.js';
import { WeightsChoice } from '../backbones/weights-choice.js';
import type { BackboneChoice, ImageShape, Preset } from '../method.js';

/** Features by depth: of ResNet-18, of EfficientNet-Lite0, of VGG16; `pixels` is the patch itself. */
export const FEATURES = [
  ...(['pixels', 'avgpool', 'conv5_x', 'layer1', 'layer2', 'layer3'] as const),
  ...(['blocks.1', 'blocks.2', 'blocks.4', 'blocks.6'] as const),
  ...(['pool1', 'pool2', 'pool3', 'pool4', 'pool5'] as const),
] as const;
export type Feature = (typeof FEATURES)[number];

/** What is legal; the defaults are the spec's where not noted. */
export const Hyperparameters = z.strictObject({
  /** Nothing here is trained by gradient: every method has these two, and for this one they decide nothing. */
  learningRate: z.number().positive().default(1e-3),
  epochs: z.literal(0).default(0),
  /** Windows that the backbone sees at once; decides speed and the last bits only. */
  batchSize: z.int().min(1).max(4096).default(128),
  /** The frozen network that describes a patch; the paper's is ResNet-18. */
  backbone: z.enum(BACKBONE_NAMES).default('resnet18'),
  weights: WeightsChoice,
  /** What describes a patch; of a tap, the mean over its positions. `avgpool` and `conv5_x`: the last one, pooled or flat. */
  feature: z.enum(FEATURES).default('avgpool'),
  /** Side to which a patch is enlarged for the backbone. The paper's 224 takes an hour an image on two cores. */
  inputSize: z.int().min(32).max(512).default(64),
  /** p: side of a patch. */
  patchSize: z.int().min(4).max(256).default(16),
  /** s: step between the windows of a test image; null for p / 4. */
  stride: z.int().min(1).max(256).nullable().default(null),
  /** Random crops that the dictionary is made from. */
  trainingPatches: z.int().min(2).max(100_000).default(10_000),
  /** Crops of textures at a random angle. */
  rotate: z.boolean().default(false),
  /** Share of the variance that the kept components explain. */
  pcaVariance: z.number().gt(0).max(1).default(0.95),
  /** Components divided by their standard deviations. */
  whiten: z.boolean().default(false),
  /** k: entries of the dictionary. */
  dictionarySize: z.int().min(1).max(10_000).default(10),
  /** An entry is a centre of k-means, or the real patch nearest to it. */
  entry: z.enum(['centroid', 'medoid']).default('centroid'),
  /** m: how many of the nearest entries a distance is averaged over. */
  neighbours: z.int().min(1).max(1000).default(1),
  /** k-means starts, of which the best counts. */
  restarts: z.int().min(1).max(100).default(10),
  /** The whole image, enlarged, goes through the network once instead of every window: a variant, not the method. */
  dense: z.boolean().default(false),
  /** Defects below that many pixels may be overlooked by the third threshold; 0 for none. */
  minimumDefectArea: z.int().min(0).default(0),
});
export type Hyperparameters = z.infer<typeof Hyperparameters>;

/** The step between windows. */
export function strideOf({ stride, patchSize }: Pick<Hyperparameters, 'stride' | 'patchSize'>): number {
  return stride ?? Math.max(1, Math.floor(patchSize / 4));
}

/** Standard deviation of the blur before an image score is taken. */
export function blurSigma({ patchSize }: Pick<Hyperparameters, 'patchSize'>): number {
  return patchSize / 4;
}

/** Images worked on at once: their windows, or in the dense variant their enlarged pixels, bound the memory. */
export function imagesAtOnce(h: Hyperparameters, { height, width }: ImageShape): number {
  const enlarged = (h.inputSize / h.patchSize) ** 2 * height * width;
  const windows = Math.ceil(height / strideOf(h)) * Math.ceil(width / strideOf(h));
  const most = h.dense ? 2 ** 21 / enlarged : 2 ** 22 / (windows * h.patchSize ** 2);
  return Math.max(1, Math.min(256, Math.floor(most)));
}

/** The backbone a patch is described by; null for its own pixels. */
export function backboneChoice({ feature, backbone, weights }: Hyperparameters): BackboneChoice | null {
  return feature === 'pixels' ? null : { architecture: backbone, weights };
}

/** The backbone's tap that a feature is read from. */
export function tapOf(feature: Feature, backbone: BackboneName): string {
  const taps = Object.keys(backboneOf(backbone).taps);
  return feature === 'avgpool' || feature === 'conv5_x' ? taps.at(-1)! : feature;
}

export const presets: Readonly<Record<Preset, (input: ImageShape) => Partial<Hyperparameters>>> = {
  paper: () => ({ inputSize: 224 }),
  default: (input) => ({ patchSize: patchFor(input) }),
  /** Feature after layer 2, which even random weights carry, and a dictionary of 100. */
  quick: (input) => ({
    feature: 'layer2',
    inputSize: 32,
    patchSize: patchFor(input),
    stride: Math.max(4, Math.floor(Math.min(input.height, input.width) / 8)),
    trainingPatches: 2000,
    dictionarySize: 100,
    restarts: 3,
  }),
};

/** 16, and 8 where an image holds hardly more than one such window. */
function patchFor({ height, width }: ImageShape): number {
  return Math.min(height, width) < 24 ? 8 : 16;
}

/** The spec's small grid: features for one patch size are the costly part. */
export const searchSpace: SearchSpace = {
  dictionarySize: { values: [10, 100] },
  neighbours: { values: [1, 5] },
};

/** Combinations that have no meaning. */
export function refuse(h: Hyperparameters, { height, width }: ImageShape): string | null {
  const [side, stride] = [Math.min(height, width), strideOf(h)];
  if (h.patchSize > side) return `patches of ${h.patchSize} pixels do not fit into images of ${height}x${width}`;
  if (Math.ceil(3 * blurSigma(h)) >= side)
    return `patchSize ${h.patchSize} blurs more than an image of ${height}x${width} holds`;
  if (stride > h.patchSize)
    return `stride ${stride} leaves pixels between windows of ${h.patchSize}; use at most ${h.patchSize}`;
  if (h.neighbours > h.dictionarySize)
    return `neighbours ${h.neighbours} is more than dictionarySize ${h.dictionarySize}`;
  if (h.dictionarySize > h.trainingPatches) {
    return `dictionarySize ${h.dictionarySize} is more than trainingPatches ${h.trainingPatches}`;
  }
  if (h.feature === 'pixels') return h.dense ? 'dense needs a feature of a backbone, not pixels' : null;
  const taps = Object.keys(backboneOf(h.backbone).taps);
  if (!taps.includes(tapOf(h.feature, h.backbone))) {
    return `${h.backbone} has no feature '${h.feature}'; it has ${FEATURES.filter((feature) => taps.includes(feature)).join(', ')}, avgpool, conv5_x`;
  }
  if (h.dense && h.rotate) return 'dense takes its patches from whole images, so it cannot rotate them';
  if (h.dense && h.feature === 'conv5_x') return "dense averages features; use feature: 'avgpool' instead of 'conv5_x'";
  return null;
}

/** Spec: tens of minutes for an image. */
export function warn(h: Hyperparameters, { height, width }: ImageShape): readonly string[] {
  const windows = Math.ceil(height / strideOf(h)) * Math.ceil(width / strideOf(h));
  const scale = windows * (h.inputSize / 224) ** 2;
  if (h.feature === 'pixels' || h.dense || scale < 300) return [];
  return [
    `about ${windows} windows of ${h.inputSize}x${h.inputSize} an image take minutes an image on a CPU; use a smaller inputSize, a larger stride, or dense: true`,
  ];
}
