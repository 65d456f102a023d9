import type { CheckpointRule, SelectionMetrics, TestMetrics } from '@adctl/protocol';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { createCheckpointChooser } from './index.js';

const at = (loss: number, auroc = 0.5): SelectionMetrics => ({ loss, auroc });

function keptAfter(rule: CheckpointRule, metrics: readonly SelectionMetrics[]): number | undefined {
  const chooser = createCheckpointChooser(rule, metrics.length);
  for (const [i, one] of metrics.entries()) chooser.report(i + 1, one);
  return chooser.keptEpoch();
}

describe('checkpoint rule', () => {
  const losses = [5, 1, 4, 3, 3, 6].map((loss) => at(loss, loss / 10));

  test.each<[string, CheckpointRule, number]>([
    ['last', { rule: 'last' }, 6],
    ['epoch 3', { rule: 'epoch', epoch: 3 }, 3],
    ['lowest loss', { rule: 'best', metric: 'selection.loss', burnIn: 0 }, 2],
    ['lowest loss past the first half, earliest of equals', { rule: 'best', metric: 'selection.loss', burnIn: 0.5 }, 4],
    ['first loss that is good enough', { rule: 'best', metric: 'selection.loss', burnIn: 0, enough: 5 }, 1],
    ['lowest loss where none is good enough', { rule: 'best', metric: 'selection.loss', burnIn: 0, enough: 0.5 }, 2],
    ['first AUROC that is good enough', { rule: 'best', metric: 'selection.auroc', burnIn: 0, enough: 0.45 }, 1],
    ['highest AUROC', { rule: 'best', metric: 'selection.auroc', burnIn: 0 }, 6],
  ])('%s', (_, rule, expected) => {
    expect(keptAfter(rule, losses)).toBe(expected);
  });

  test('with one epoch that epoch competes whatever the burn-in', () => {
    expect(keptAfter({ rule: 'best', metric: 'selection.loss', burnIn: 0.9 }, [at(1)])).toBe(1);
  });

  test('says at each epoch whether its weights replace the kept ones', () => {
    const chooser = createCheckpointChooser({ rule: 'best', metric: 'selection.loss', burnIn: 0.25 }, 4);

    expect([at(1), at(3), at(2), at(2)].map((one, i) => chooser.report(i + 1, one))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([1, 2].map(chooser.competes)).toEqual([false, true]);
  });

  test('continues from a saved state as if never interrupted', () => {
    const rule: CheckpointRule = { rule: 'best', metric: 'selection.loss', burnIn: 0 };
    const first = createCheckpointChooser(rule, 3);
    first.report(1, at(1));
    const second = createCheckpointChooser(rule, 3);
    second.restore(JSON.parse(JSON.stringify(first.state())));

    expect(second.report(2, at(2))).toBe(false);
    expect(second.keptEpoch()).toBe(1);
  });

  test('a metric that is not finite is an error at a competing epoch only', () => {
    const chooser = createCheckpointChooser({ rule: 'best', metric: 'selection.loss', burnIn: 0.5 }, 2);

    expect(chooser.report(1, at(Number.NaN))).toBe(false);
    expect(() => chooser.report(2, at(Number.NaN))).toThrow(expect.objectContaining({ code: 'undefined_metric' }));
  });

  test('an epoch that will not be trained is a user error', () => {
    expect(() => createCheckpointChooser({ rule: 'epoch', epoch: 9 }, 8)).toThrow(
      expect.objectContaining({ code: 'epoch_out_of_range', kind: 'user' }),
    );
  });

  test('takes selection metrics and cannot be handed test metrics', () => {
    type Reported = Parameters<ReturnType<typeof createCheckpointChooser>['report']>[1];

    expectTypeOf<Reported>().toEqualTypeOf<SelectionMetrics>();
    expectTypeOf<TestMetrics>().not.toExtend<Reported>();
  });
});
