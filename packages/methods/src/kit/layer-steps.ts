import * as tf from '@tensorflow/tfjs';
import type { PassMode } from './batch-norm.js';
import { createFoldedConvolution, type FoldedConvolution } from './folded-convolution.js';
import type { LayerFunction } from './layer-functions.js';
import type { Layer } from './network.js';

/** One layer's place in its network's computation. */
export interface LayerStep {
  readonly name: string;
  /** Layer whose output it takes; null for the network's input. */
  readonly input: string | null;
  /** Second input, of an `add`. */
  readonly other: string | null;
  readonly run: LayerFunction;
}

/**
 * Runs steps in order until every wanted output is there, freeing each intermediate result after its last use, so that
 * a large frozen network needs the memory of its widest place and not of all its layers. Safe under a gradient: the tape
 * holds what it needs by its own references.
 *
 * @param wanted layers whose outputs to return, in that order; the results belong to the caller.
 */
export function runSteps(
  steps: readonly LayerStep[],
  x: tf.Tensor,
  mode: PassMode,
  wanted: readonly string[],
): tf.Tensor[] {
  const end = Math.max(...wanted.map((name) => steps.findIndex((step) => step.name === name))) + 1;
  const needed = steps.slice(0, end);
  const lastUse = new Map<string, number>();
  for (const [i, { input, other }] of needed.entries()) {
    for (const name of [input, other]) if (name !== null) lastUse.set(name, i);
  }
  const outputs = new Map<string, tf.Tensor>();
  for (const [i, step] of needed.entries()) {
    const from = step.input === null ? x : outputs.get(step.input)!;
    const other = step.other === null ? undefined : outputs.get(step.other)!;
    outputs.set(
      step.name,
      tf.tidy(() => step.run(from, mode, other)),
    );
    for (const name of new Set([step.input, step.other])) {
      if (name === null || lastUse.get(name) !== i || wanted.includes(name)) continue;
      outputs.get(name)!.dispose();
      outputs.delete(name);
    }
  }
  return wanted.map((name) => outputs.get(name)!);
}

/** The steps of layers in their plan's order. */
export function planSteps(layers: readonly Layer[]): LayerStep[] {
  return layers.map(({ summary: { plan }, apply }, i) => ({
    name: plan.name,
    input: plan.from ?? (i === 0 ? null : layers[i - 1]!.summary.plan.name),
    other: plan.kind === 'add' ? plan.with : null,
    run: apply,
  }));
}

/** Steps in which every batch normalisation right after a convolution without bias is part of that convolution. */
export function foldSteps(
  steps: readonly LayerStep[],
  layers: ReadonlyMap<string, Layer>,
): { readonly steps: readonly LayerStep[]; dispose(): void } {
  const convolutions: FoldedConvolution[] = [];
  const result: LayerStep[] = [];
  for (const step of steps) {
    const before = result.at(-1);
    const folded = before !== undefined && before.name === step.input ? fold(before, step, steps, layers) : null;
    if (folded === null) {
      result.push(step);
      continue;
    }
    convolutions.push(folded);
    result[result.length - 1] = { ...step, input: before!.input, run: (x) => folded.apply(x) };
  }
  return {
    steps: result,
    dispose() {
      for (const convolution of convolutions) convolution.dispose();
    },
  };
}

function fold(
  before: LayerStep,
  step: LayerStep,
  steps: readonly LayerStep[],
  layers: ReadonlyMap<string, Layer>,
): FoldedConvolution | null {
  const convolution = layers.get(before.name)!;
  const normalization = layers.get(step.name)!;
  const { plan } = convolution.summary;
  const isUsedOnce = steps.filter(({ input, other }) => input === before.name || other === before.name).length === 1;
  if (normalization.summary.plan.kind !== 'batchNorm' || !isUsedOnce) return null;
  if ((plan.kind !== 'conv2d' && plan.kind !== 'depthwiseConv2d') || plan.bias !== false) return null;
  const [gamma, beta, movingMean, movingVariance] = normalization.variables.map(({ variable }) => variable) as [
    tf.Variable,
    tf.Variable,
    tf.Variable,
    tf.Variable,
  ];
  return createFoldedConvolution({
    convolution: plan,
    kernel: convolution.variables[0]!.variable,
    normalization: normalization.summary.plan,
    variables: { gamma, beta, movingMean, movingVariance },
  });
}
