import { inferLayer } from './layer-shape.js';
import type { LayerPlan, NetworkPlan } from './network-plan.js';
import type { ParameterPlan } from './parameter-plan.js';
import { planError } from './plan-error.js';
import { sizeOf } from './shapes.js';

/** A layer with its shapes inferred. */
export interface LayerSummary {
  readonly plan: LayerPlan;
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  readonly parameters: readonly ParameterPlan[];
  /** Number of trainable scalars. */
  readonly trainable: number;
  /** Number of scalars that training updates without a gradient (moving averages). */
  readonly nonTrainable: number;
}

export interface NetworkSummary {
  readonly name: string;
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly layers: readonly LayerSummary[];
  readonly trainable: number;
  readonly nonTrainable: number;
}

/**
 * Infers every shape and counts every parameter of a network, without a tensor library.
 *
 * @throws AdctlError `network_plan_invalid` (bug) naming network and layer: repeated name, impossible shape or size.
 */
export function summarizeNetwork(plan: NetworkPlan): NetworkSummary {
  const outputs = new Map<string, readonly number[]>();
  const layers: LayerSummary[] = [];
  let shape = plan.input;
  for (const layer of plan.layers) {
    if (outputs.has(layer.name)) throw planError(plan, layer, 'the name is used twice');
    const outputOf = (name: string) => {
      const output = outputs.get(name);
      if (output === undefined) throw planError(plan, layer, `there is no layer '${name}' before it`);
      return output;
    };
    const inputShape = layer.from === undefined ? (layer.inputShape ?? shape) : outputOf(layer.from);
    if (layer.kind === 'add' && outputOf(layer.with).join() !== inputShape.join()) {
      throw planError(plan, layer, `cannot add [${outputOf(layer.with)}] to [${inputShape}]`);
    }
    const summary = summarizeLayer(plan, layer, inputShape);
    layers.push(summary);
    shape = summary.outputShape;
    outputs.set(layer.name, shape);
  }
  const total = (key: 'trainable' | 'nonTrainable') => layers.reduce((sum, layer) => sum + layer[key], 0);
  return {
    name: plan.name,
    input: plan.input,
    output: shape,
    layers,
    trainable: total('trainable'),
    nonTrainable: total('nonTrainable'),
  };
}

function summarizeLayer(network: NetworkPlan, plan: LayerPlan, inputShape: readonly number[]): LayerSummary {
  const { outputShape, parameters } = inferLayer(network, plan, inputShape);
  if (outputShape.some((side) => !Number.isInteger(side) || side < 1)) {
    throw planError(network, plan, `input [${inputShape}] gives the impossible output [${outputShape}]`);
  }
  const count = (trainable: boolean) =>
    parameters.reduce((sum, p) => sum + (p.trainable === trainable ? sizeOf(p.shape) : 0), 0);
  return { plan, inputShape, outputShape, parameters, trainable: count(true), nonTrainable: count(false) };
}
