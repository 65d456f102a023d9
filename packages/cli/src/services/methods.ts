import type { MethodCard, Preset } from '@adctl/methods';
import { summarizeNetwork } from '@adctl/methods';
import type { InputShape, MethodShowAnswer, MethodSummary, NetworkRow } from '../answers/methods.js';
import { describeSchema } from './describe-schema.js';

/** The parts of a card that fit one line. */
export function summarizeMethod(card: MethodCard): MethodSummary {
  return { name: card.name, title: card.title, family: card.family, paper: card.paper, evidence: card.evidence };
}

/** Everything a card says, with networks and parameter counts for images of this shape under this preset. */
export function describeMethod(card: MethodCard, input: InputShape, preset: Preset): MethodShowAnswer {
  const effective = (name: Preset) => card.hyperparameters.parse(card.presets[name](input));
  const hyperparameters = effective(preset);
  const refused = card.refuse?.(hyperparameters, input) ?? null;
  const networks = refused === null ? card.networks(hyperparameters, input).map((plan) => networkRow(card, plan)) : [];
  return {
    ...summarizeMethod(card),
    input,
    preset,
    hyperparameters: describeHyperparameters(card, effective),
    searchSpace: { ...card.searchSpace },
    checkpointRule: { ...card.checkpointRule(hyperparameters) },
    scores: [...card.scores],
    judgedScore: card.judgedScore,
    networks,
    parameters: {
      trainable: networks.reduce((sum, network) => sum + network.trainable, 0),
      nonTrainable: networks.reduce((sum, network) => sum + network.nonTrainable, 0),
    },
    published: [...card.published],
    warnings: [...(card.warn?.(hyperparameters, input) ?? [])],
    refused,
  };
}

function networkRow(card: MethodCard, plan: ReturnType<MethodCard['networks']>[number]): NetworkRow {
  const summary = summarizeNetwork(plan);
  return {
    name: summary.name,
    frozen: card.frozen.includes(summary.name),
    input: [...summary.input],
    output: [...summary.output],
    trainable: summary.trainable,
    nonTrainable: summary.nonTrainable,
    layers: summary.layers.map((layer) => ({
      name: layer.plan.name,
      kind: layer.plan.kind,
      output: [...layer.outputShape],
      trainable: layer.trainable,
      nonTrainable: layer.nonTrainable,
    })),
  };
}

function describeHyperparameters(card: MethodCard, effective: (preset: Preset) => object) {
  const presets = (Object.keys(card.presets) as Preset[]).map((name) => [name, effective(name)] as const);
  return describeSchema(card.hyperparameters).map((property) => ({
    name: property.name,
    legal: property.legal,
    ...(property.description === undefined ? {} : { description: property.description }),
    default: property.default,
    presets: Object.fromEntries(
      presets.map(([name, values]) => [name, (values as Record<string, unknown>)[property.name]]),
    ),
  }));
}
