import type { TrialRecord, WorkerHeartbeat } from '@adctl/protocol';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ControllerContext } from '../context.js';
import type { Role } from '../leader/lead.js';
import type { HeldTime } from '../plan/held-time.js';

/** What the controller tells as it happens. */
export interface Measures {
  /** A trial has ended; reused ones among them. */
  trialEnded(record: TrialRecord): void;
  /** An attempt of a class with GPUs has ended. */
  gpuHeld(className: string, held: HeldTime): void;
  /** A worker committed a checkpoint. */
  checkpointed(figures: NonNullable<WorkerHeartbeat['checkpoints']>[number]): void;
  /** A pass of the reconciler, mending `redelivered` messages among other things. */
  reconciled(seconds: number, redelivered: number): void;
  /** A turn or a pass of the reconciler failed, for a passing reason. @param reason the error's code. */
  failed(reason: string): void;
  /** Something that others wrote, or an earlier version of ours, could not be read and was set aside. */
  notUnderstood(what: Stranger): void;
}

/** What may be there in a form that this version cannot read. */
export type Stranger = 'lease' | 'event' | 'queue-message' | 'result' | 'attempt' | 'sweep';

/** For deployments that nobody scrapes. */
export const NO_MEASURES: Measures = {
  trialEnded: () => undefined,
  gpuHeld: () => undefined,
  checkpointed: () => undefined,
  reconciled: () => undefined,
  failed: () => undefined,
  notUnderstood: () => undefined,
};

/** The controller's metrics. Labels never name a trial or a sweep: their number has no bound. */
export interface ControllerMetrics extends Measures {
  /** Others (pools) register theirs here too. */
  readonly registry: Registry;
  role(role: Role): void;
  /** Reads gauges from this controller when scraped, until the returned function is called. */
  follow(context: Pick<ControllerContext, 'books' | 'held' | 'fleet' | 'clock'>): () => void;
}

const DURATION_BUCKETS = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];
const CHECKPOINT_BUCKETS = [0.05, 0.2, 1, 5, 15, 60, 300, 900];
const BYTES_BUCKETS = [1e5, 1e6, 1e7, 1e8, 1e9, 1e10];
const RECONCILE_BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];

export function createMetrics(): ControllerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  let followed: Pick<ControllerContext, 'books' | 'held' | 'fleet' | 'clock'> | undefined;
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
  const gpuSeconds = new Counter({
    name: 'adctl_gpu_seconds_total',
    help: 'Time that ended attempts held their slots, of classes with GPUs; lost: failed, lost or cancelled ones.',
    labelNames: ['class', 'outcome'],
    registers,
  });
  const checkpointSeconds = new Histogram({
    name: 'adctl_checkpoint_seconds',
    help: 'From the files of a checkpoint to its committed manifest.',
    buckets: CHECKPOINT_BUCKETS,
    registers,
  });
  const checkpointBytes = new Histogram({
    name: 'adctl_checkpoint_bytes',
    help: 'Bytes of a committed checkpoint.',
    buckets: BYTES_BUCKETS,
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
  const strangers = new Counter({
    name: 'adctl_not_understood_total',
    help: 'Leases, events, queue messages, results, attempts and sweeps that could not be read and were set aside.',
    labelNames: ['what'],
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
      this.set((followed?.books.size ?? 0) + (followed?.held.size ?? 0));
    },
  });
  new Gauge({
    name: 'adctl_held_sweeps',
    help: 'Sweeps that are not over and cannot be read: they are held until a person mends them.',
    registers,
    collect() {
      this.set(followed?.held.size ?? 0);
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
    gpuHeld: (name, { seconds, outcome }) => gpuSeconds.inc({ class: name, outcome }, seconds),
    checkpointed({ seconds, bytes }) {
      checkpointSeconds.observe(seconds);
      checkpointBytes.observe(bytes);
    },
    reconciled(seconds, messages) {
      reconcile.observe(seconds);
      redelivered.inc(messages);
    },
    failed: (reason) => failures.inc({ reason }),
    notUnderstood: (what) => strangers.inc({ what }),
  };
}
