import { AdctlError } from '@adctl/protocol';
import type { RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import type { PassMode } from './batch-norm.js';
import { initialValues } from './initializers.js';
import { createLayerFunction, type LayerFunction } from './layer-functions.js';
import { foldSteps, planSteps, runSteps } from './layer-steps.js';
import type { NetworkPlan } from './network-plan.js';
import { type LayerSummary, type NetworkSummary, summarizeNetwork } from './network-summary.js';
import type { ParameterPlan } from './parameter-plan.js';

/** A variable and the address it keeps in checkpoints. */
export interface NamedVariable {
  /** `<network>/<layer>/<parameter>`, e.g. `encoder/conv1/kernel`. */
  readonly name: string;
  readonly parameter: 'kernel' | 'bias' | 'gamma' | 'beta' | 'movingMean' | 'movingVariance';
  readonly variable: tf.Variable;
}

/** One layer of a network, for nets that wire theirs by hand (skip connections). */
export interface Layer {
  readonly summary: LayerSummary;
  readonly variables: readonly NamedVariable[];
  /** Runs the layer alone; the result belongs to the caller. */
  apply(x: tf.Tensor, mode: PassMode): tf.Tensor;
}

/** A network with tensors: what its plan describes, initialised from the trial's seed. */
export interface Network {
  readonly name: string;
  readonly plan: NetworkPlan;
  readonly summary: NetworkSummary;
  /** What an optimizer moves, in the plan's order. */
  readonly trainable: readonly NamedVariable[];
  /** Moving averages, and every variable of a frozen network, in the plan's order. */
  readonly nonTrainable: readonly NamedVariable[];
  /**
   * What a checkpoint holds: everything, but of a frozen network only what its origin cannot give back, which is the
   * moving averages that calibration set.
   */
  readonly saved: readonly NamedVariable[];
  /** Where a frozen network's weights come from; null for one that is trained. */
  readonly origin: WeightOrigin | null;
  /**
   * Runs the layers in order on `[batch, ...input]`; the result belongs to the caller, intermediates are freed by the
   * surrounding `tf.tidy` or gradient function.
   * @param until the last layer to run, e.g. `logits` to stop before an activation; default all.
   */
  apply(x: tf.Tensor, mode: PassMode, until?: string): tf.Tensor;
  /**
   * Outputs of several layers from one pass, in the order asked for; they belong to the caller. Other results are freed
   * as soon as no later layer needs them. A frozen network in `infer` mode runs with its batch normalisations folded.
   */
  taps(x: tf.Tensor, mode: PassMode, layers: readonly string[]): tf.Tensor[];
  /** Draws a frozen network's weights again from another seed. @throws AdctlError `not_seeded` (bug) for any other. */
  reseed(seed: number): void;
  /** @throws AdctlError `unknown_layer` (bug). */
  layer(name: string): Layer;
  /** @throws AdctlError `unknown_variable` (bug). */
  variable(layer: string, parameter: NamedVariable['parameter']): tf.Variable;
  /** Frees every variable this network owns. */
  dispose(): void;
}

/** What gives a frozen network's weights back without storing them. */
export type WeightOrigin =
  | { readonly kind: 'seed'; readonly seed: number }
  /** Digest of the weight file. */
  | { readonly kind: 'weights'; readonly sha256: string };

/** A network that training never moves. */
export interface FrozenWeights {
  /** `seed` draws the weights from the context's seed; an object supplies them. */
  readonly from:
    | 'seed'
    | { readonly sha256: string; valuesOf(layer: LayerSummary, parameter: ParameterPlan): Float32Array };
}

/** What a network is built from; a `ModelContext` fits. */
export interface NetworkContext {
  /** Seed of the trial; the network draws its weights from it by its own name. */
  readonly seed: number;
  /** The stream that dropout draws from. */
  readonly generator: RandomGenerator;
  /** Networks whose kernels this plan's `tiedTo` layers use. */
  readonly tied?: readonly Network[];
  readonly frozen?: FrozenWeights;
}

/** Variable names are global in TensorFlow.js, while several models live in one process; ours stay out of them. */
let nextVariableId = 0;

/**
 * Creates a network's variables and layer functions.
 *
 * @throws AdctlError `network_plan_invalid` (bug) as `summarizeNetwork`, or when a tied layer is missing.
 */
export function createNetwork(plan: NetworkPlan, context: NetworkContext): Network {
  const summary = summarizeNetwork(plan);
  const layers = new Map<string, Layer>();
  const owned: NamedVariable[] = [];
  const { frozen } = context;
  let origin = frozen === undefined ? null : originOf(frozen, context.seed);

  for (const layer of summary.layers) {
    const variables = layer.parameters.map((parameter): NamedVariable => {
      const values = firstValues(context, plan, layer, parameter);
      return {
        name: `${plan.name}/${layer.plan.name}/${parameter.name}`,
        parameter: parameter.name,
        variable: createVariable(values, parameter.shape, parameter.trainable && frozen === undefined),
      };
    });
    owned.push(...variables);
    const run: LayerFunction = createLayerFunction(layer, {
      variables: Object.fromEntries(variables.map((v) => [v.parameter, v.variable])),
      tiedKernel: findTiedKernel(plan, layer, context.tied ?? [], layers),
      generator: context.generator,
    });
    layers.set(layer.plan.name, { summary: layer, variables, apply: run });
  }
  const steps = planSteps([...layers.values()]);
  const folded = frozen === undefined ? null : foldSteps(steps, layers);
  const foldedSteps = folded?.steps ?? steps;

  const layerOf = (name: string): Layer => {
    const layer = layers.get(name);
    if (layer === undefined) {
      throw new AdctlError(`network '${plan.name}' has no layer '${name}'; it has: ${[...layers.keys()].join(', ')}`, {
        code: 'unknown_layer',
        kind: 'bug',
      });
    }
    return layer;
  };
  const taps = (x: tf.Tensor, mode: PassMode, names: readonly string[]) => {
    for (const name of names) layerOf(name);
    // A convolution that was folded away has no output of its own.
    const canFold = mode === 'infer' && names.every((name) => foldedSteps.some((step) => step.name === name));
    return runSteps(canFold ? foldedSteps : steps, x, mode, names);
  };

  return {
    name: plan.name,
    plan,
    summary,
    trainable: owned.filter((v) => v.variable.trainable),
    nonTrainable: owned.filter((v) => !v.variable.trainable),
    saved: owned.filter((v) => frozen === undefined || (frozen.from === 'seed' && v.parameter.startsWith('moving'))),
    get origin() {
      return origin;
    },
    apply(x, mode, until) {
      return taps(x, mode, [until ?? plan.layers.at(-1)!.name])[0]!;
    },
    taps,
    reseed(seed) {
      if (frozen?.from !== 'seed') {
        throw new AdctlError(`network '${plan.name}' does not draw its weights from a seed`, {
          code: 'not_seeded',
          kind: 'bug',
        });
      }
      origin = originOf(frozen, seed);
      for (const layer of layers.values()) {
        for (const [i, { variable }] of layer.variables.entries()) {
          const parameter = layer.summary.parameters[i]!;
          const values = firstValues({ ...context, seed }, plan, layer.summary, parameter);
          tf.tidy(() => variable.assign(tf.tensor(values, parameter.shape.slice(), 'float32')));
        }
      }
    },
    layer: layerOf,
    variable(layer, parameter) {
      const found = layerOf(layer).variables.find((v) => v.parameter === parameter);
      if (found === undefined) {
        throw new AdctlError(`layer '${plan.name}/${layer}' owns no ${parameter}`, {
          code: 'unknown_variable',
          kind: 'bug',
        });
      }
      return found.variable;
    },
    dispose() {
      folded?.dispose();
      for (const { variable } of owned) variable.dispose();
    },
  };
}

function originOf({ from }: FrozenWeights, seed: number): WeightOrigin {
  return from === 'seed' ? { kind: 'seed', seed } : { kind: 'weights', sha256: from.sha256 };
}

function firstValues(
  { seed, frozen }: NetworkContext,
  plan: NetworkPlan,
  layer: LayerSummary,
  parameter: ParameterPlan,
): Float32Array {
  if (frozen !== undefined && frozen.from !== 'seed') return frozen.from.valuesOf(layer, parameter);
  return initialValues(parameter, { seed, network: plan.name, layer: layer.plan.name });
}

function createVariable(values: Float32Array, shape: readonly number[], trainable: boolean): tf.Variable {
  const initial = tf.tensor(values, shape.slice(), 'float32');
  const variable = tf.variable(initial, trainable, `adctl_${nextVariableId++}`);
  initial.dispose();
  return variable;
}

function findTiedKernel(
  plan: NetworkPlan,
  { plan: layer, inputShape, outputShape }: LayerSummary,
  networks: readonly Network[],
  earlier: ReadonlyMap<string, Layer>,
): tf.Variable | null {
  if (layer.kind !== 'dense' || layer.tiedTo === undefined) return null;
  const { network, layer: source } = layer.tiedTo;
  const variables =
    network === plan.name
      ? earlier.get(source)?.variables
      : networks.find((candidate) => candidate.name === network)?.layer(source).variables;
  const kernel = variables?.find((v) => v.parameter === 'kernel')?.variable;
  if (kernel === undefined || kernel.shape[0] !== outputShape[0] || kernel.shape[1] !== inputShape[0]) {
    throw new AdctlError(
      `network '${plan.name}', layer '${layer.name}': '${network}/${source}' has no kernel of shape [${outputShape}, ${inputShape}] to tie to`,
      { code: 'network_plan_invalid', kind: 'bug', details: { network: plan.name, layer: layer.name } },
    );
  }
  return kernel;
}
