import { FailureClass } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { failedAttempt } from '../testing/records.fixtures.js';
import { FAILURE_POLICY, planAfterFailure } from './failure-policy.js';

const limits = { maxAttempts: 3, timeScale: 1 };

describe('what happens after an attempt failed', () => {
  test.each([
    ['user', 1, 1_000],
    ['oom-gpu', 2, 10_000],
    ['oom-host', 2, 30_000],
    ['data', 1, 5_000],
    ['timeout', 1, 0],
    ['infra', 20, 1_000],
    ['node-lost', 20, 0],
  ] as const)('%s is tried again %i times, first after %i ms', (failureClass, retries, backOffMs) => {
    const failures = Array.from({ length: retries }, (_, i) => failedAttempt(i + 1, failureClass));
    const open = { maxAttempts: 100, timeScale: 1 };

    expect(planAfterFailure(failures.slice(0, 1), open)).toEqual({ decision: 'retry', backOffMs });
    expect(planAfterFailure(failures, open)).toMatchObject({ decision: 'retry' });
    expect(planAfterFailure([...failures, failedAttempt(retries + 1, failureClass)], open)).toMatchObject({
      decision: 'fail',
    });
  });

  test('preemption never ends a trial', () => {
    const failures = Array.from({ length: 500 }, (_, i) => failedAttempt(i + 1, 'preempted'));

    expect(planAfterFailure(failures, limits)).toEqual({ decision: 'retry', backOffMs: 0 });
  });

  test.each(['preempted', 'node-lost', 'infra'] as const)('%s does not use up maxAttempts', (interruption) => {
    const failures = [
      failedAttempt(1, interruption),
      failedAttempt(2, interruption),
      failedAttempt(3, interruption),
      failedAttempt(4, 'oom-host'),
    ];

    expect(planAfterFailure(failures, limits)).toMatchObject({ decision: 'retry' });
  });

  test('back-off doubles up to its bound and scales with the lease', () => {
    const failures = Array.from({ length: 20 }, (_, i) => failedAttempt(i + 1, 'infra'));
    const backOff = (count: number, timeScale = 1) => {
      const decision = planAfterFailure(failures.slice(0, count), { maxAttempts: 3, timeScale });
      return decision.decision === 'retry' ? decision.backOffMs : null;
    };

    expect([1, 2, 3, 4].map((count) => backOff(count))).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(backOff(20)).toBe(60_000);
    expect(backOff(1, 0.05)).toBe(50);
  });

  test('counted failures of all classes together end at maxAttempts', () => {
    const failures = [failedAttempt(1, 'oom-gpu'), failedAttempt(2, 'data'), failedAttempt(3, 'timeout')];

    expect(planAfterFailure(failures.slice(0, 2), limits)).toMatchObject({ decision: 'retry' });
    expect(planAfterFailure(failures, limits)).toMatchObject({
      decision: 'fail',
      reason: expect.stringMatching(/maxAttempts/),
    });
  });

  test('the same failure twice in a row ends at once, interruptions between them or not', () => {
    const same = { code: 'bad_shape', message: 'shapes differ' };
    const failures = [
      failedAttempt(1, 'timeout', same),
      failedAttempt(2, 'preempted'),
      failedAttempt(3, 'timeout', same),
    ];

    expect(planAfterFailure(failures, { maxAttempts: 100, timeScale: 1 })).toMatchObject({
      decision: 'fail',
      reason: expect.stringContaining('bad_shape'),
    });
  });

  test('a mistake of the user is not tried again', () => {
    expect(planAfterFailure([failedAttempt(1, 'user', { kind: 'user', message: 'wrong' })], limits)).toEqual({
      decision: 'fail',
      reason: 'wrong',
    });
  });

  test('every failure class has a rule', () => {
    expect(Object.keys(FAILURE_POLICY).sort()).toEqual([...FailureClass.options].sort());
  });
});
