import { SweepRecord, sha256 } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { NOW, SWEEP, trialRecord, WORKER } from '../testing/records.fixtures.js';
import { explainTrial, type WhySnapshot } from './why.js';

const later = new Date(NOW.getTime() + 60_000).toISOString();
const sweep = SweepRecord.parse({
  version: 1,
  sweep: SWEEP,
  name: 'toy',
  owner: 'ann',
  state: 'search',
  priority: 'normal',
  parallel: 4,
  createdAt: NOW.toISOString(),
  searchTrials: 10,
  expanded: 1,
  fresh: false,
  specDigest: sha256('toy'),
});
const codes = (changes: Partial<WhySnapshot>) =>
  explainTrial({
    record: trialRecord(),
    sweep,
    pausedBefore: [],
    nowMs: NOW.getTime(),
    sweepInFlight: 0,
    class: 'gpu',
    slots: 2,
    window: 4,
    classInFlight: 0,
    owner: 'ann',
    ownerInFlight: 0,
    ownerSlots: Number.POSITIVE_INFINITY,
    overdue: false,
    classReasons: [],
    secondsSinceRenewal: undefined,
    ...changes,
  }).reasons.map(({ code }) => code);
const unschedulable = [{ code: 'unschedulable', message: 'no node has a free GPU' }];

describe('why a trial is where it is', () => {
  test.each<[string, Partial<WhySnapshot>, string[]]>([
    ['nothing holds it but its turn', {}, ['waiting_turn']],
    ['its sweep is paused', { sweep: { ...sweep, state: 'paused' } }, ['sweep_paused', 'waiting_turn']],
    ['its sweep waits for another', { sweep: { ...sweep, after: [SWEEP] } }, ['sweep_queued', 'waiting_turn']],
    [
      'its sweep waits for a paused one',
      { sweep: { ...sweep, after: [SWEEP] }, pausedBefore: [SWEEP] },
      ['sweep_queued', 'sweep_paused', 'waiting_turn'],
    ],
    ['its back-off', { record: trialRecord({ notBefore: later }) }, ['back_off', 'waiting_turn']],
    ['limits.parallel', { sweepInFlight: 4 }, ['parallel', 'waiting_turn']],
    ["the owner's quota", { ownerInFlight: 8, ownerSlots: 8 }, ['owner_quota', 'waiting_turn']],
    ['a message that others overtook', { overdue: true }, ['held_back', 'waiting_turn']],
    ['all slots are busy', { classInFlight: 4 }, ['window', 'waiting_turn']],
    [
      'no worker, and why there is none',
      { slots: 0, window: 0, classReasons: unschedulable },
      ['no_workers', 'unschedulable', 'waiting_turn'],
    ],
    ['in the queue', { record: trialRecord({ state: 'dispatched' }) }, ['in_queue']],
    [
      'in the queue of a class without workers',
      { record: trialRecord({ state: 'dispatched' }), slots: 0, classReasons: unschedulable },
      ['no_workers', 'unschedulable'],
    ],
    ['running', { record: trialRecord({ state: 'running', attempt: 1, worker: WORKER }) }, ['running']],
    ['over', { record: trialRecord({ state: 'failed', reason: 'spent' }) }, ['final', 'last_change']],
  ])('%s', (_name, changes, expected) => {
    expect(codes(changes)).toEqual(expected);
  });
});
