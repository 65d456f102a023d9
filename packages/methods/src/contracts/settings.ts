import type { CommonHyperparameters, ImageShape, LearningContract, MethodCard } from '../method.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';

/** Shapes every method is tested on unless its card says otherwise. */
const DEFAULT_INPUTS: readonly ImageShape[] = [
  { height: 28, width: 28, channels: 1 },
  { height: 32, width: 32, channels: 3 },
];
const DEFAULT_FLOOR = 0.9;
/** Small, because there are few toy images and an epoch must still hold some updates. */
const LEARNING_BATCH_SIZE = 32;

/** Everything a test host gives the method contract. */
export interface ContractHost {
  /** Makes an engine the backend of this process, corrected gradients installed. */
  readonly useEngine: () => Promise<void>;
}

export function contractInputs(card: MethodCard): readonly ImageShape[] {
  return card.contract?.inputs ?? DEFAULT_INPUTS;
}

/** The `quick` preset with the card's changes for its contract. */
export function contractHyperparameters(card: MethodCard, input: ImageShape): CommonHyperparameters {
  return resolved(card, input, card.contract?.hyperparameters?.(input) ?? {});
}

export interface LearningSettings {
  readonly input: ImageShape;
  readonly hyperparameters: CommonHyperparameters;
  readonly aurocFloor: number;
}

export function learningSettings(card: MethodCard): LearningSettings {
  const learning: LearningContract = card.contract?.learning ?? {};
  const input = learning.input ?? DEFAULT_INPUTS[0]!;
  return {
    input,
    hyperparameters: resolved(card, input, { batchSize: LEARNING_BATCH_SIZE, ...learning.hyperparameters }),
    aurocFloor: learning.aurocFloor ?? DEFAULT_FLOOR,
  };
}

function resolved(card: MethodCard, input: ImageShape, changes: object): CommonHyperparameters {
  const result = resolveHyperparameters(card, { preset: 'quick', input, overrides: { ...changes } });
  if (result.hyperparameters !== undefined) return result.hyperparameters;
  throw new Error(`${card.name}'s contract settings: ${result.issues.map((issue) => issue.message).join('; ')}`);
}

export function shapeText({ height, width, channels }: ImageShape): string {
  return `${height}x${width}x${channels}`;
}
