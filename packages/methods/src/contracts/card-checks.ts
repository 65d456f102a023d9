import { describe, expect, test } from 'vitest';
import { summarizeNetwork } from '../kit/network-summary.js';
import { type MethodCard, PRESETS } from '../method.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';
import { contractInputs, shapeText } from './settings.js';
import { pointsOf } from './space-points.js';

/** Checks 1 and 2, which need no tensors. */
export function describeCards(cards: readonly MethodCard[], folders: readonly string[]): void {
  describe('method cards', () => {
    // First, while nothing in this file has asked for a model.
    test('importing the cards loads no tensor library', () => {
      expect(Object.keys(globalThis).filter((name) => name.startsWith('_tf'))).toEqual([]);
    });

    test('every method folder is in the registry under its own name', () => {
      expect(cards.map((card) => card.name).sort()).toEqual([...folders].sort());
    });

    for (const card of cards) describe(card.name, () => describeCard(card));
  });
}

function describeCard(card: MethodCard): void {
  const inputs = contractInputs(card);

  test.each(inputs.map((input) => [shapeText(input), input] as const))(
    'every preset is legal for %s images, and so is every point of the search space',
    (_text, input) => {
      for (const preset of PRESETS) {
        expect(resolveHyperparameters(card, { preset, input }).issues, preset).toEqual([]);
      }
      for (const overrides of pointsOf(card.searchSpace)) {
        const { issues } = resolveHyperparameters(card, { preset: 'default', input, overrides });
        expect(issues, JSON.stringify(overrides)).toEqual([]);
      }
    },
  );

  test('an unknown or impossible hyperparameter is an issue with its path', () => {
    const overrides = { learningRat: 1, batchSize: 'many' };
    const { issues } = resolveHyperparameters(card, { preset: 'quick', input: inputs[0]!, overrides });

    expect(issues).toContainEqual(
      expect.objectContaining({
        path: ['learningRat'],
        code: 'unknown_name',
        suggestion: 'did you mean learningRate?',
      }),
    );
    expect(issues).toContainEqual(expect.objectContaining({ path: ['batchSize'], code: 'wrong_value' }));
  });

  test('names its scores, its frozen networks and a legal checkpoint rule', () => {
    const input = inputs[0]!;
    const { hyperparameters } = resolveHyperparameters(card, { preset: 'default', input });
    const plans = card.networks(hyperparameters!, input);
    const rule = card.checkpointRule(hyperparameters!);

    expect(card.scores).toContain(card.judgedScore);
    expect(plans.map((plan) => plan.name)).toEqual(expect.arrayContaining([...card.frozen]));
    for (const plan of plans) expect(summarizeNetwork(plan).trainable).toBeGreaterThan(0);
    if (rule.rule === 'best') expect(rule.burnIn).toBeLessThan(1);
    // A paper may publish a class below chance; a percentage or a flipped figure is a slip. PRO may be low.
    for (const { metric, value } of card.published) {
      if (metric !== 'pro') expect(value).toBeGreaterThan(0.4);
      expect(value).toBeLessThanOrEqual(1);
    }
  });
}
