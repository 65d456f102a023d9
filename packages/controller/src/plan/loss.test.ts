import { TrialId, WorkerId } from '@adctl/protocol';
import { expect, test } from 'vitest';
import { NOW, trialRecord, WORKER } from '../testing/records.fixtures.js';
import { type LossClass, lossOf } from './loss.js';
import type { ObservedTrial } from './reconcile.js';

/** A trial that runs since so many seconds; null: its claim is not on its record yet. */
function trial(index: number, seconds: number | null, worker = WORKER): ObservedTrial {
  const startedAt = new Date(NOW.getTime() - (seconds ?? 0) * 1000).toISOString();
  const id = TrialId.parse(`t00000${index}-12345678`);
  return {
    record:
      seconds === null
        ? trialRecord({ trial: id, state: 'dispatched' })
        : trialRecord({ trial: id, state: 'running', attempt: 1, worker, startedAt }),
    lease: { version: 1, attempt: 1, worker, renewedAt: startedAt },
    leaseSeenAtMs: NOW.getTime(),
    idleSlots: false,
  };
}
const other = WorkerId.parse('w-other');

test.each<[string, ObservedTrial[], LossClass[]]>([
  ['its only trial', [trial(0, 60)], ['oom-host']],
  ['the one that started last', [trial(0, 60), trial(1, 5), trial(2, 30)], ['preempted', 'oom-host', 'preempted']],
  ['the one whose claim is not on record yet', [trial(0, 1), trial(1, null)], ['preempted', 'oom-host']],
  ['one of two that started together', [trial(0, 5), trial(1, 5)], ['preempted', 'oom-host']],
  ['nobody elsewhere', [trial(0, 60), trial(1, 5, other)], ['oom-host', 'oom-host']],
])('memory that ran out counts for %s', (_name, trials, classes) => {
  expect(trials.map((one) => lossOf(one, 'oom-host', trials))).toEqual(classes);
});

test('every other end of a worker is the same for all its trials', () => {
  const trials = [trial(0, 60), trial(1, 5)];

  for (const how of ['preempted', 'node-lost', 'infra'] as const) {
    expect(trials.map((one) => lossOf(one, how, trials))).toEqual([how, how]);
  }
});
