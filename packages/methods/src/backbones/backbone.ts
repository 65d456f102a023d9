import { AdctlError, userError } from '@adctl/protocol';
import * as tf from '@tensorflow/tfjs';
import { planSteps, runSteps } from '../kit/layer-steps.js';
import { createNetwork, type Layer, type Network, type NetworkContext } from '../kit/network.js';
import type { BackboneArchitecture, PixelNormalization } from './architecture.js';
import { backboneOf, type PlannedBackbone, planBackbone } from './registry.js';
import { readBackboneWeights } from './weight-file.js';

/** A frozen feature extractor. It owns its network until `dispose`. */
export interface Backbone {
  readonly architecture: BackboneArchitecture;
  readonly network: Network;
  /**
   * Features of RGB images `[batch, height, width, 3]` in [0, 1] of the planned size: one tensor a tap, in the order
   * asked for, `[batch, height', width', channels]`. The caller disposes them.
   */
  features(images: tf.Tensor4D, taps: readonly string[], pixels?: PixelOptions): tf.Tensor4D[];
  /**
   * Sets every batch normalisation's moving averages to the statistics of these images, layer by layer: random weights
   * without it grow by a factor with every residual block. Nothing happens where there is nothing to set.
   */
  calibrate(images: tf.Tensor4D, pixels?: PixelOptions): void;
  dispose(): void;
}

/** How a backbone takes its pixels. */
export interface PixelOptions {
  /** The images go in as they are: the caller has normalised them, or wants them not to be. Default false. */
  readonly isNormalized?: boolean;
}

/** What a backbone is made from; a `ModelContext` fits. */
export interface BackboneContext extends NetworkContext {
  /** The bytes of cached weights. @throws AdctlError user `backbone_missing`. */
  readonly readWeights?: (sha256: string) => Promise<Uint8Array>;
}

export interface BackboneOptions extends PlannedBackbone {
  /** `random`, drawn from the context's seed, or the digest of weights in the cache. */
  readonly weights: string;
}

/**
 * Makes a frozen backbone.
 *
 * @throws AdctlError user `backbone_missing` when the weights are not in the cache; user `backbone_mismatch` when they are
 *   of another architecture; user `backbone_invalid`, permanent `safetensors_invalid` as `readBackboneWeights`.
 */
export async function createBackbone(options: BackboneOptions, context: BackboneContext): Promise<Backbone> {
  const architecture = backboneOf(options.architecture);
  const { weights, ...planned } = options;
  const plan = planBackbone(planned);
  const from = weights === 'random' ? 'seed' : await readFor(options, context);
  const network = createNetwork(plan, { seed: context.seed, generator: context.generator, frozen: { from } });
  const layers = plan.layers.map(({ name }) => network.layer(name));
  const scale = (images: tf.Tensor4D, { isNormalized = false }: PixelOptions) =>
    isNormalized ? images : normalizePixels(images, architecture.normalization);
  return {
    architecture,
    network,
    features(images, taps, pixels = {}) {
      const names = taps.map((tap) => architecture.taps[tap] ?? tap);
      return tf.tidy(() => network.taps(scale(images, pixels), 'infer', names) as tf.Tensor4D[]);
    },
    calibrate(images, pixels = {}) {
      if (network.saved.length === 0) return;
      tf.tidy(() => {
        runSteps(calibrationSteps(layers), scale(images, pixels), 'infer', [plan.layers.at(-1)!.name]);
      });
    },
    dispose: () => network.dispose(),
  };
}

/** `(x - mean) / deviation` per channel, an op of its own: PyTorch pads the normalised image with zeros. */
export function normalizePixels(images: tf.Tensor4D, { mean, deviation }: PixelNormalization): tf.Tensor4D {
  return tf.tidy(() => tf.div(tf.sub(images, tf.tensor1d([...mean])), tf.tensor1d([...deviation])));
}

/** Images as a backbone takes them: grey ones repeated to three channels, resized with half-pixel centres. */
export function toBackbonePixels(images: tf.Tensor4D, height: number, width: number): tf.Tensor4D {
  return tf.tidy(() => {
    const rgb = images.shape[3] === 1 ? tf.tile(images, [1, 1, 1, 3]) : images;
    const averaged = averageBoxes(rgb, Math.floor(rgb.shape[1] / height), Math.floor(rgb.shape[2] / width));
    return averaged.shape[1] === height && averaged.shape[2] === width
      ? averaged.clone()
      : tf.image.resizeBilinear(averaged, [height, width], false, true);
  });
}

/** Means over boxes, so that shrinking by two and more does not skip pixels; a rest at the border stays out. */
function averageBoxes(images: tf.Tensor4D, rows: number, columns: number): tf.Tensor4D {
  return rows < 2 && columns < 2
    ? images
    : tf.avgPool(images, [Math.max(1, rows), Math.max(1, columns)], [Math.max(1, rows), Math.max(1, columns)], 'valid');
}

function calibrationSteps(layers: readonly Layer[]) {
  return planSteps(layers).map((step, i) => {
    const layer = layers[i]!;
    if (layer.summary.plan.kind !== 'batchNorm') return step;
    const [, , movingMean, movingVariance] = layer.variables.map(({ variable }) => variable);
    return {
      ...step,
      run(x: tf.Tensor) {
        const { mean, variance } = tf.moments(x, [0, 1, 2]);
        movingMean!.assign(mean);
        movingVariance!.assign(variance);
        return layer.apply(x, 'infer');
      },
    };
  });
}

async function readFor({ architecture, weights }: BackboneOptions, { readWeights }: BackboneContext) {
  if (readWeights === undefined) {
    throw new AdctlError(`nothing here can read the backbone weights ${weights}`, {
      code: 'no_weight_reader',
      kind: 'bug',
    });
  }
  const found = readBackboneWeights(await readWeights(weights), `backbone weights ${weights}`);
  if (found.architecture === architecture) return found;
  throw userError('backbone_mismatch', `the weights ${weights} are of ${found.architecture}, not of ${architecture}`, {
    hint: `Name the architecture ${found.architecture}, or other weights; \`adctl backbones list\` shows both.`,
    details: { weights, expected: architecture, found: found.architecture },
  });
}
