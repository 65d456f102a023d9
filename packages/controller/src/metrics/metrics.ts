import type { TrialRecord } from '@adctl/protocol';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ControllerContext } from '../context.js';
import type { Role } from '../leader/lead.js';

/** What the controller tells as it happens. */
export interface Measures {
  /** A trial has ended; reused ones among them. */
  trialEnded(record: TrialRecord): void;
  /** A pass of the reconciler, mending `redelivered` messages among other things. */
  reconciled(seconds: number, redelivered: number): void;
  /** A turn or a pass of the reconciler failed, for a passing reason. @param reason the error's code. */
  failed(reason: string): void;
}

/** For deployments that nobody scrapes. */
export const NO_MEASURES: Measures = {
  trialEnded: () => undefined,
  reconciled: () => undefined,
  failed: () => undefined,
};

/** The controller's metrics. Labels never name a trial or a sweep: their number has no bound. */
export interface ControllerMetrics extends Measures {
  /** Others (pools) register theirs here too. */
  readonly registry: Registry;
  role(role: Role): void;
  /** Reads gauges from this controller when scraped, until the returned function is called. */
  follow(context: Pick<ControllerContext, 'books' | 'fleet' | 'clock'>): () => void;
}

const DURATION_BUCKETS = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];
const RECONCILE_BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];

export function createMetrics(): ControllerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  let followed: Pick<ControllerContext, 'books' | 'fleet' | 'clock'> | undefined;
  const leader = new Gauge({ name: 'adctl_leader', help: '1 while this controller leads, else 0.', registers });
  const trials = new Counter({
    name: 'adctl_trials_total',
    help: 'Trials that ended, by phase and final state; reused ones have result "reused".',
    labelNames: ['sweep_kind', 'result'],
    registers,
  });
  const duration = new Histogram({
    name: 'adctl_trial_duration_seconds',
    help: 'From the last claim of a trial to its end.',
    buckets: DURATION_BUCKETS,
    registers,
  });
  const redelivered = new Counter({
    name: 'adctl_queue_redelivered_total',
    help: 'Messages published again because they were lost, stuck, or in the hands of a dead worker.',
    registers,
  });
  const reconcile = new Histogram({
    name: 'adctl_reconcile_duration_seconds',
    help: 'One pass of the reconciler.',
    buckets: RECONCILE_BUCKETS,
    registers,
  });
  const failures = new Counter({
    name: 'adctl_reconcile_errors_total',
    help: 'Turns and passes of the reconciler that failed and were repeated, by error code.',
    labelNames: ['reason'],
    registers,
  });
  new Gauge({
    name: 'adctl_queue_pending',
    help: 'Trials in the work queue that no worker has, by class.',
    labelNames: ['class'],
    registers,
    collect() {
      this.reset();
      for (const { frozen, counts } of followed?.books.values() ?? [])
        this.inc({ class: frozen.class }, counts.dispatched);
    },
  });
  new Gauge({
    name: 'adctl_slots',
    help: 'Slots of workers that were heard lately, by class.',
    labelNames: ['class', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { class: name, slots, busy } of followed?.fleet.list(followed.clock.now()) ?? []) {
        this.inc({ class: name, state: 'busy' }, busy.length);
        this.inc({ class: name, state: 'idle' }, Math.max(0, slots - busy.length));
      }
    },
  });
  new Gauge({
    name: 'adctl_active_sweeps',
    help: 'Sweeps that are not over.',
    registers,
    collect() {
      this.set(followed?.books.size ?? 0);
    },
  });
  leader.set(0);
  return {
    registry,
    role: (role) => leader.set(role === 'leader' ? 1 : 0),
    follow(context) {
      followed = context;
      return () => {
        if (followed === context) followed = undefined;
      };
    },
    trialEnded({ phase, state, reusedFrom, startedAt, finishedAt }) {
      trials.inc({ sweep_kind: phase, result: reusedFrom === undefined ? state : 'reused' });
      if (reusedFrom !== undefined || startedAt === undefined || finishedAt === undefined) return;
      duration.observe(Math.max(0, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000));
    },
    reconciled(seconds, messages) {
      reconcile.observe(seconds);
      redelivered.inc(messages);
    },
    failed: (reason) => failures.inc({ reason }),
  };
}
