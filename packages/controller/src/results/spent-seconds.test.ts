import type { AttemptRecord, TrialResult } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { spentSeconds } from './spent-seconds.js';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();

/** An attempt that timed out. */
const failed = (attempt: number, from: number | undefined, until: number): AttemptRecord => ({
  version: 1,
  attempt,
  class: 'timeout',
  failure: { code: 'timeout', kind: 'permanent', message: 'too slow', details: {} },
  startedAt: from === undefined ? undefined : at(from),
  endedAt: at(until),
});

type Facts = Pick<TrialResult, 'ending' | 'failures' | 'seconds' | 'startedAt' | 'endedAt'>;
const result = (facts: Partial<Facts>): Facts => ({
  ending: { state: 'completed' },
  failures: [],
  startedAt: at(100),
  endedAt: at(110),
  ...facts,
});

describe('spentSeconds', () => {
  test.each<[string, number, Facts]>([
    [
      'a failed trial costs what its attempts held',
      50,
      result({
        ending: { state: 'failed' },
        failures: [failed(1, 0, 20), failed(2, 30, 60)],
      }),
    ],
    ['failed attempts cost beside the one that completed', 30, result({ failures: [failed(1, 0, 20)] })],
    [
      'an attempt that let go with a checkpoint is known by the training it left',
      42,
      result({
        seconds: { train: 30, total: 42 },
      }),
    ],
    ['an attempt whose start nobody noted adds nothing', 10, result({ failures: [failed(1, undefined, 20)] })],
    [
      'a trial cancelled in the queue costs nothing',
      0,
      result({ ending: { state: 'cancelled' }, startedAt: undefined }),
    ],
  ])('%s', (_, seconds, facts) => {
    expect(spentSeconds(facts)).toBe(seconds);
  });
});
