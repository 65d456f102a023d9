import type { StoredQueueEntry } from '@adctl/messaging';
import type { Lease } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { NOW, SWEEP, TRIAL, trialRecord, WORKER } from '../testing/records.fixtures.js';
import { type ObservedTrial, planReconcile, type ReconcileSnapshot } from './reconcile.js';

const ACK_WAIT = 60_000;
const nowMs = NOW.getTime();
const ago = (ackWaits: number) => new Date(nowMs - ackWaits * ACK_WAIT).toISOString();
const message: StoredQueueEntry = {
  class: 'cpu',
  priority: 'normal',
  messageId: 'm',
  sweep: SWEEP,
  trial: TRIAL,
  sequence: 5,
  deliveries: 1,
  inFlight: true,
  assignment: { version: 1, sweep: SWEEP, trial: TRIAL, generation: 0, specKey: 'k' },
};
const held = (attempt: number, released?: boolean): Lease => ({
  version: 1,
  attempt,
  worker: WORKER,
  renewedAt: ago(0),
  ...(released === undefined ? {} : { released }),
});
const observed = (record: Parameters<typeof trialRecord>[0], lease?: Lease, silentAckWaits = 0): ObservedTrial => ({
  record: trialRecord(record),
  lease,
  leaseSeenAtMs: nowMs - silentAckWaits * ACK_WAIT,
  idleSlots: false,
});
const whileSlotsIdle = (trial: ObservedTrial): ObservedTrial => ({ ...trial, idleSlots: true });
const plan = (trial: ObservedTrial | null, changes: Partial<ReconcileSnapshot> = {}) =>
  planReconcile({
    nowMs,
    ackWaitMs: ACK_WAIT,
    trials: trial === null ? [] : [trial],
    queue: [],
    deadWorkers: new Map(),
    everyClaimDead: false,
    isLive: () => true,
    ...changes,
  }).map((action) => (action.action === 'take-back' ? `${action.action} ${action.why}` : action.action));

const running = { state: 'running', attempt: 1, worker: WORKER } as const;

describe('what the reconciler mends', () => {
  test.each<[string, ObservedTrial, Partial<ReconcileSnapshot>, string[]]>([
    [
      'a dispatched trial in the queue',
      observed({ state: 'dispatched', dispatchedAt: ago(9) }),
      { queue: [message] },
      [],
    ],
    [
      'an ending that was noted and not carried out',
      observed({ ...running, ending: { state: 'failed' } }, held(1), 9),
      { queue: [message] },
      ['finish'],
    ],
    [
      'a message that nobody got for long although slots are idle',
      whileSlotsIdle(observed({ state: 'dispatched', dispatchedAt: ago(2) })),
      { queue: [message] },
      ['redeliver'],
    ],
    [
      'a message that idle slots may still get',
      whileSlotsIdle(observed({ state: 'dispatched', dispatchedAt: ago(1.9) })),
      { queue: [message] },
      [],
    ],
    [
      'a claim that is only not known yet, while slots are idle',
      whileSlotsIdle(observed({ state: 'dispatched', dispatchedAt: ago(9) }, held(1))),
      { queue: [message] },
      [],
    ],
    [
      'a dispatched trial whose message is gone',
      observed({ state: 'dispatched', dispatchedAt: ago(1) }),
      {},
      ['republish'],
    ],
    [
      'a dispatched trial whose message is on its way',
      observed({ state: 'dispatched', dispatchedAt: ago(0.1) }),
      {},
      [],
    ],
    ['a running trial with a fresh lease', observed(running, held(1), 0.5), {}, []],
    ['a dead lease, the message gone', observed(running, held(1), 1.1), {}, ['take-back lease-expired']],
    ['a dead lease, the message comes back by itself', observed(running, held(1), 1.1), { queue: [message] }, []],
    [
      'a dead lease whose message nobody took',
      observed(running, held(1), 3.1),
      { queue: [message] },
      ['take-back lease-expired'],
    ],
    [
      'a worker that is known to be dead',
      observed(running, held(1), 0.1),
      { deadWorkers: new Map([[WORKER, 'node-lost']]) },
      ['take-back worker-gone'],
    ],
    ['a lease let go without a word', observed(running, held(1, true), 0.6), {}, ['take-back released']],
    ['a lease let go a moment ago', observed(running, held(1, true), 0.1), {}, []],
    ['an attempt that ended before the start', observed(running, held(1, true)), { atStart: true }, ['catch-up']],
    [
      'an attempt that began and ended before the start',
      observed({ state: 'dispatched', dispatchedAt: ago(0) }, held(1, true)),
      { atStart: true, queue: [message] },
      ['catch-up'],
    ],
    ['an attempt in work at the start', observed(running, held(1)), { atStart: true, queue: [message] }, []],
    [
      'an attempt that was taken back and dispatched again before the start',
      observed({ state: 'dispatched', attempt: 1, dispatchedAt: ago(0) }, held(1, true)),
      { atStart: true, queue: [message] },
      [],
    ],
    [
      'an attempt that ended before an embedded start',
      observed(running, held(1, true)),
      { atStart: true, everyClaimDead: true },
      ['take-back worker-gone'],
    ],
    [
      'a claim not yet in the record, its worker dead',
      observed({ state: 'dispatched', dispatchedAt: ago(0) }, held(1)),
      { deadWorkers: new Map([[WORKER, 'node-lost']]), queue: [message] },
      ['take-back worker-gone'],
    ],
    [
      'any claim at an embedded start',
      observed(running, held(1), 0),
      { everyClaimDead: true, queue: [message] },
      ['take-back worker-gone'],
    ],
    [
      'a dispatched trial without message at an embedded start',
      observed({ state: 'dispatched', dispatchedAt: ago(0) }),
      { everyClaimDead: true },
      ['republish'],
    ],
    [
      'a cancel whose deadline has passed',
      observed({ ...running, cancelRequest: { at: ago(1), deadline: ago(0), by: 'ann', pause: false } }, held(1)),
      {},
      ['take-back deadline'],
    ],
    [
      'a cancel with time left',
      observed({ ...running, cancelRequest: { at: ago(1), deadline: ago(-1), by: 'ann', pause: false } }, held(1)),
      {},
      [],
    ],
    [
      'a lease that a dead worker did not let go after a failed attempt',
      observed({ state: 'queued', attempt: 1 }, held(1)),
      { deadWorkers: new Map([[WORKER, 'node-lost']]) },
      ['free-lease'],
    ],
    ['a lease that a living worker is about to let go', observed({ state: 'queued', attempt: 1 }, held(1)), {}, []],
    [
      'a message in flight when a worker ended, its trial unclaimed',
      observed({ state: 'dispatched', dispatchedAt: ago(0) }),
      { workerEnded: true, queue: [message] },
      ['redeliver'],
    ],
    [
      'a message in flight when a worker ended, its trial claimed by a living one',
      observed(running, held(1)),
      { workerEnded: true, queue: [message] },
      [],
    ],
    ['a queued trial', observed({ state: 'queued' }), {}, []],
  ])('%s', (_name, trial, changes, expected) => {
    expect(plan(trial, changes)).toEqual(expected);
  });

  test('a message of a trial that is final or unknown leaves the queue', () => {
    expect(plan(null, { queue: [message], isLive: () => false })).toEqual(['remove']);
  });
});

test.each<[string, ObservedTrial, Partial<ReconcileSnapshot>, string]>([
  ['killed for its memory', observed(running, held(1)), { deadWorkers: new Map([[WORKER, 'oom-host']]) }, 'oom-host'],
  ['evicted', observed(running, held(1)), { deadWorkers: new Map([[WORKER, 'preempted']]) }, 'preempted'],
  ['of an earlier embedded start', observed(running, held(1)), { everyClaimDead: true }, 'preempted'],
  ['only silent', observed(running, held(1), 1.1), {}, 'node-lost'],
  ['that let go without a word', observed(running, held(1, true), 0.6), {}, 'preempted'],
])('a claim of a worker %s is taken back as that', (_name, trial, changes, lossClass) => {
  const empty = { nowMs, ackWaitMs: ACK_WAIT, queue: [], deadWorkers: new Map(), everyClaimDead: false };

  expect(planReconcile({ ...empty, trials: [trial], isLive: () => true, ...changes })).toMatchObject([
    { action: 'take-back', class: lossClass },
  ]);
});
