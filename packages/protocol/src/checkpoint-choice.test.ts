import { describe, expect, test } from 'vitest';
import { toCheckpointChoice } from './checkpoint-choice.js';
import { type CheckpointRule, fromCheckpointRule, resolveCheckpointRule } from './index.js';

describe('checkpoint rule of a file', () => {
  test.each(['last', 'best(selection.auroc)', 'best(selection.loss)', 'epoch 1', 'epoch 250'])(
    '%s reads and writes as itself',
    (text) => {
      expect(fromCheckpointRule(toCheckpointChoice(text))).toBe(text);
    },
  );

  test.each([
    'best(test.auroc)',
    'best(test)',
    'best',
    'best(selection.f1)',
    'epoch 0',
    'epoch',
    'epoch 1.5',
    ' last',
    '',
  ])('refuses %j', (text) => {
    expect(() => toCheckpointChoice(text)).toThrow(RangeError);
  });

  test("takes the card's rule without a choice and the card's burn-in with a best", () => {
    const best: CheckpointRule = { rule: 'best', metric: 'selection.loss', burnIn: 0.5 };
    const choice = { rule: 'best', metric: 'selection.auroc' } as const;

    expect(resolveCheckpointRule(undefined, best)).toEqual(best);
    expect(resolveCheckpointRule(choice, best)).toEqual({ ...choice, burnIn: 0.5 });
    expect(resolveCheckpointRule(choice, { rule: 'last' })).toEqual({ ...choice, burnIn: 0 });
    expect(resolveCheckpointRule({ rule: 'epoch', epoch: 3 }, best)).toEqual({ rule: 'epoch', epoch: 3 });
  });
});
