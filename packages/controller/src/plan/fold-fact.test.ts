import type { TrialRecord } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { failedAttempt, NOW, trialRecord, WORKER } from '../testing/records.fixtures.js';
import { foldFact, type ResultFacts, type TrialFact } from './fold-fact.js';

const context = { now: NOW, limits: { maxAttempts: 3, timeScale: 1 } };
const at = NOW.toISOString();
const lease = (attempt: number, released?: boolean): TrialFact => ({
  fact: 'lease',
  lease: { version: 1, attempt, worker: WORKER, renewedAt: at, ...(released === undefined ? {} : { released }) },
});
const result = (changes: Partial<ResultFacts> = {}): TrialFact => ({
  fact: 'result',
  result: {
    attempt: 1,
    generation: 0,
    ending: { state: 'completed' },
    resultKey: 'v1/result/x.json',
    worker: WORKER,
    failures: [],
    startedAt: at,
    endedAt: at,
    objective: 0.9,
    reusedFrom: undefined,
    otherCode: undefined,
    ...changes,
  },
});
const failed = (attempt: number, generation = 0): TrialFact => ({
  fact: 'attempt',
  generation,
  attempt: failedAttempt(attempt, 'infra'),
});
const release = (attempt: number, reason: 'cancelled' | 'paused' | 'drained'): TrialFact => ({
  fact: 'release',
  generation: 0,
  attempt,
  reason,
});
const lost = (attempt: number): TrialFact => ({
  fact: 'lost',
  attempt,
  fence: attempt + 1,
  worker: WORKER,
  class: 'node-lost',
});

const running = trialRecord({ state: 'running', attempt: 2, worker: WORKER, queueSequence: 7 });
const asked = (pause: boolean): TrialRecord => ({ ...running, cancelRequest: { at, deadline: at, by: 'ann', pause } });

describe('folding one fact into a record', () => {
  test.each<[string, TrialRecord, TrialFact, object]>([
    [
      'a claim makes a dispatched trial run',
      trialRecord({ state: 'dispatched' }),
      lease(1),
      { state: 'running', attempt: 1, worker: WORKER },
    ],
    [
      'a claim taken in the moment of withdrawal still runs',
      trialRecord({ state: 'queued' }),
      lease(1),
      { state: 'running', attempt: 1 },
    ],
    [
      'a higher claim notes that the earlier one was lost',
      running,
      lease(3),
      { state: 'running', attempt: 3, failures: [{ attempt: 2, class: 'node-lost' }] },
    ],
    [
      'a result ends a running trial',
      running,
      result({ attempt: 2 }),
      { state: 'completed', objective: 0.9, queueSequence: undefined },
    ],
    [
      'a result of an earlier attempt wins too: the first complete one counts',
      running,
      result({ attempt: 1 }),
      { state: 'completed', attempt: 2 },
    ],
    [
      'a result ends a trial whose claim was never seen',
      trialRecord({ state: 'dispatched' }),
      result(),
      { state: 'completed', attempt: 1 },
    ],
    ['a result ends a paused trial', trialRecord({ state: 'paused' }), result(), { state: 'completed' }],
    [
      'a failed attempt is queued again after its back-off',
      running,
      failed(2),
      {
        state: 'queued',
        attempt: 2,
        notBefore: '2026-11-23T12:00:01.000Z',
        failures: [{ attempt: 2, class: 'infra' }],
      },
    ],
    [
      'a failed attempt whose claim was never seen counts',
      trialRecord({ state: 'dispatched' }),
      failed(1),
      { state: 'queued', attempt: 1 },
    ],
    [
      'a drained trial is queued again at once',
      running,
      release(2, 'drained'),
      { state: 'queued', notBefore: undefined, failures: [] },
    ],
    [
      'a released trial that was to pause is paused',
      asked(true),
      release(2, 'paused'),
      { state: 'paused', cancelRequest: undefined },
    ],
    ['a failed attempt of a trial that was to pause is paused', asked(true), failed(2), { state: 'paused' }],
    [
      'a lost claim is queued again, fenced',
      running,
      lost(2),
      { state: 'queued', attempt: 3, failures: [{ attempt: 2, class: 'node-lost' }] },
    ],
  ])('%s', (_name, record, fact, expected) => {
    expect(foldFact(record, fact, context)).toMatchObject({ fold: 'changed', record: expected });
  });

  test.each<[string, TrialRecord, TrialFact, 'stale' | 'duplicate']>([
    ['a renewal', running, lease(2), 'duplicate'],
    ['a superseded claim', running, lease(1), 'stale'],
    ['a released lease', running, lease(3, true), 'stale'],
    ['a failure of a superseded attempt', running, failed(1), 'stale'],
    [
      'a failure told twice',
      trialRecord({ state: 'queued', attempt: 2, failures: [failedAttempt(2, 'infra')] }),
      failed(2),
      'duplicate',
    ],
    [
      'a release told twice, the trial dispatched again',
      trialRecord({ state: 'dispatched', attempt: 2 }),
      release(2, 'drained'),
      'duplicate',
    ],
    ['a failure of an earlier generation', trialRecord({ ...running, generation: 1 }), failed(2, 0), 'stale'],
    [
      'a result of an earlier generation',
      trialRecord({ ...running, generation: 1 }),
      result({ generation: 0 }),
      'stale',
    ],
    ['a result told twice', trialRecord({ state: 'completed', resultKey: 'v1/result/x.json' }), result(), 'duplicate'],
    ['a claim of a final trial', trialRecord({ state: 'completed' }), lease(9), 'stale'],
  ])('%s changes nothing', (_name, record, fact, why) => {
    expect(foldFact(record, fact, context)).toEqual({ fold: 'ignored', why });
  });

  test('a failure that spends the budget asks for a final result', () => {
    const before = { ...running, attempt: 3, failures: [failedAttempt(1, 'oom-gpu'), failedAttempt(2, 'oom-gpu')] };
    const fact: TrialFact = { fact: 'attempt', generation: 0, attempt: failedAttempt(3, 'oom-gpu') };

    expect(foldFact(before, fact, context)).toMatchObject({
      fold: 'finish',
      ending: { state: 'failed' },
      failure: { message: 'failure 3' },
      record: { failures: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }] },
    });
  });

  test('whatever ends the claim of a trial that was to be cancelled cancels it', () => {
    for (const fact of [release(2, 'cancelled'), failed(2), lost(2)]) {
      expect(foldFact(asked(false), fact, context)).toMatchObject({
        fold: 'finish',
        ending: { state: 'cancelled', reason: expect.stringContaining('ann') },
      });
    }
  });

  test('a claim of a paused trial is told to stop and leaves the state alone', () => {
    expect(foldFact(trialRecord({ state: 'paused' }), lease(1), context)).toMatchObject({
      fold: 'changed',
      stop: true,
      record: { state: 'paused', attempt: 1, worker: WORKER },
    });
  });

  test('a long story keeps every counted failure and drops the oldest interruptions', () => {
    const failures = [
      failedAttempt(1, 'oom-gpu'),
      ...Array.from({ length: 60 }, (_, i) => failedAttempt(i + 2, 'preempted')),
    ];
    const fact: TrialFact = { fact: 'lost', attempt: 62, fence: 63, worker: WORKER, class: 'preempted' };

    const folded = foldFact({ ...running, attempt: 62, failures }, fact, context);

    expect(folded).toMatchObject({ fold: 'changed' });
    const kept = folded.fold === 'changed' ? folded.record.failures : [];
    expect(kept).toHaveLength(50);
    expect(kept[0]?.class).toBe('oom-gpu');
    expect(kept.at(-1)?.attempt).toBe(62);
  });
});

describe('a trial whose ending was noted', () => {
  const ending = { state: 'failed', reason: 'spent' } as const;
  const failures = [failedAttempt(2, 'infra')];
  const decided = trialRecord({ state: 'running', attempt: 2, worker: WORKER, failures, ending });

  test.each<[string, TrialFact, number]>([
    ['being looked at', { fact: 'decided' }, 2],
    ['a renewal', lease(2), 2],
    ['a claim that came in between', lease(3), 3],
    ['the same failure again', failed(2), 2],
    ['a loss', lost(2), 2],
    ['a release', release(2, 'drained'), 2],
  ])('is brought to that end by %s', (_name, fact, attempt) => {
    expect(foldFact(decided, fact, context)).toEqual({
      fold: 'finish',
      record: { ...decided, attempt },
      ending,
      failure: failures[0]?.failure,
    });
  });

  test('takes the result that is there', () => {
    expect(foldFact(decided, result({ attempt: 2 }), context)).toMatchObject({
      fold: 'changed',
      record: { state: 'completed', ending: undefined },
    });
  });
});
