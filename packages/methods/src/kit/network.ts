import { AdctlError } from '@adctl/protocol';
import type { RandomGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import type { PassMode } from './batch-norm.js';
import { initialValues } from './initializers.js';
import { createLayerFunction, type LayerFunction } from './layer-functions.js';
import { type LayerSummary, type NetworkPlan, type NetworkSummary, summarizeNetwork } from './network-plan.js';

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
  /** Moving averages, in the plan's order. */
  readonly nonTrainable: readonly NamedVariable[];
  /**
   * Runs the layers in order on `[batch, ...input]`; the result belongs to the caller, intermediates are freed by the
   * surrounding `tf.tidy` or gradient function.
   * @param until the last layer to run, e.g. `logits` to stop before an activation; default all.
   */
  apply(x: tf.Tensor, mode: PassMode, until?: string): tf.Tensor;
  /** @throws AdctlError `unknown_layer` (bug). */
  layer(name: string): Layer;
  /** @throws AdctlError `unknown_variable` (bug). */
  variable(layer: string, parameter: NamedVariable['parameter']): tf.Variable;
  /** Frees every variable this network owns. */
  dispose(): void;
}

/** What a network is built from; a `ModelContext` fits. */
export interface NetworkContext {
  /** Seed of the trial; the network draws its weights from it by its own name. */
  readonly seed: number;
  /** The stream that dropout draws from. */
  readonly generator: RandomGenerator;
  /** Networks whose kernels this plan's `tiedTo` layers use. */
  readonly tied?: readonly Network[];
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

  for (const layer of summary.layers) {
    const variables = layer.parameters.map((parameter): NamedVariable => {
      const address = { seed: context.seed, network: plan.name, layer: layer.plan.name };
      const values = initialValues(parameter, address);
      return {
        name: `${plan.name}/${layer.plan.name}/${parameter.name}`,
        parameter: parameter.name,
        variable: createVariable(values, parameter.shape, parameter.trainable),
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

  return {
    name: plan.name,
    plan,
    summary,
    trainable: owned.filter((v) => v.variable.trainable),
    nonTrainable: owned.filter((v) => !v.variable.trainable),
    apply(x, mode, until) {
      const last = until === undefined ? null : layerOf(until);
      let current = x;
      for (const layer of layers.values()) {
        current = layer.apply(current, mode);
        if (layer === last) break;
      }
      return current;
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
      for (const { variable } of owned) variable.dispose();
    },
  };
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
