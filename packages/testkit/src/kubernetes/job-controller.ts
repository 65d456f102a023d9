import {
  asJob,
  asPod,
  type Condition,
  type ContainerStatus,
  hasCondition,
  isRecord,
  type Job,
  kubeTime,
  type Pod,
  setCondition,
} from './objects.js';
import type { Store } from './store.js';

/** How a finished pod counts. */
type Verdict = 'succeeded' | 'failed' | 'ignored' | 'fail-job';

/** What the controller knows of a Job between two looks. */
interface Tally {
  readonly counted: Set<string>;
  failed: number;
  succeeded: number;
  failJob: string | null;
  /** Ends of pods that a further pod has to wait for, the newest. */
  lastEndMs: number;
  endsInRow: number;
}

const POD_BACKOFF_SECONDS = 10;
const LONGEST_BACKOFF_SECONDS = 600;
const SUFFIX = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A small Job controller for single-pod Jobs: retries with back-off, failure policy, deadlines, suspension, clean-up. */
export class JobController {
  readonly #tallies = new Map<string, Tally>();
  #pods = 0;

  /** @param secondMs how long a second of Kubernetes lasts here */
  constructor(
    private readonly store: Store,
    private readonly secondMs: number,
  ) {}

  /** A pod is gone from the store: it still counts. */
  podGone(pod: Pod): void {
    const owner = pod.metadata.ownerReferences?.find(({ kind }) => kind === 'Job');
    const job = this.store.list('jobs', pod.metadata.namespace).find(({ metadata }) => metadata.uid === owner?.uid);
    if (job !== undefined) this.#count(asJob(job), pod, true);
  }

  /** Looks at every Job. @returns when to look again by the clock, in ms since 1970, or null. */
  reconcile(): number | null {
    const due = this.store.list('jobs').map((job) => this.#reconcileOne(asJob(job)));
    return due.reduce<number | null>(
      (soonest, at) => (at !== null && (soonest === null || at < soonest) ? at : soonest),
      null,
    );
  }

  #reconcileOne(job: Job): number | null {
    if (job.metadata.deletionTimestamp !== undefined) return null;
    if (hasCondition(job.status.conditions, 'Complete') || hasCondition(job.status.conditions, 'Failed')) {
      return this.#collect(job);
    }
    const pods = this.#podsOf(job);
    for (const pod of pods) this.#count(job, pod, false);
    const tally = this.#tallyOf(job);
    const active = pods.filter((pod) => !isOver(pod));
    if (job.spec.suspend === true) return this.#suspend(job, active);
    const now = Date.now();
    const startMs = job.status.startTime === undefined ? now : Date.parse(job.status.startTime);
    const deadline = job.spec.activeDeadlineSeconds;
    const failure = this.#failureOf(job, tally, startMs);
    if (tally.succeeded > 0) return this.#finish(job, { type: 'Complete', status: 'True' }, active);
    if (failure !== null) return this.#finish(job, failure, active);
    this.#writeStatus(job, {
      startTime: kubeTime(startMs),
      active: active.length,
      failed: tally.failed,
      conditions: (job.status.conditions ?? []).map((one) =>
        one.type === 'Suspended' ? { ...one, status: 'False' } : one,
      ),
    });
    const deadlineMs = deadline === undefined ? null : startMs + deadline * this.secondMs;
    if (active.length > 0) return deadlineMs;
    const backOff = Math.min(POD_BACKOFF_SECONDS * 2 ** (tally.endsInRow - 1), LONGEST_BACKOFF_SECONDS);
    const nextMs = tally.endsInRow === 0 ? now : tally.lastEndMs + backOff * this.secondMs;
    if (nextMs > now) return deadlineMs === null ? nextMs : Math.min(nextMs, deadlineMs);
    this.#createPod(job);
    return deadlineMs;
  }

  #failureOf({ spec }: Job, tally: Tally, startMs: number): Condition | null {
    const failed = (reason: string, message: string): Condition => ({
      type: 'Failed',
      status: 'True',
      reason,
      message,
    });
    if (tally.failJob !== null) return failed('PodFailurePolicy', tally.failJob);
    if (tally.failed > (spec.backoffLimit ?? 6)) {
      return failed('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
    }
    const deadline = spec.activeDeadlineSeconds;
    if (deadline !== undefined && Date.now() >= startMs + deadline * this.secondMs) {
      return failed('DeadlineExceeded', 'Job was active longer than specified deadline');
    }
    return null;
  }

  /** Pods that still run go first; the Job has failed once they are gone. */
  #finish(job: Job, condition: Condition, active: readonly Pod[]): null {
    const going = active.length > 0 && condition.type === 'Failed';
    for (const pod of active) this.store.delete('pods', pod);
    const tally = this.#tallyOf(job);
    const shown: Condition = going ? { ...condition, type: 'FailureTarget' } : condition;
    this.#writeStatus(job, {
      active: going ? active.length : 0,
      failed: tally.failed,
      succeeded: tally.succeeded,
      conditions: setCondition(job.status.conditions, shown, Date.now()),
    });
    return null;
  }

  #suspend(job: Job, active: readonly Pod[]): null {
    for (const pod of active) this.store.delete('pods', pod);
    const condition = { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' } as const;
    const conditions = setCondition(job.status.conditions, condition, Date.now());
    const { startTime: _startTime, ...status } = job.status;
    this.store.update('jobs', { ...job, status: { ...status, active: 0, conditions } });
    return null;
  }

  #collect(job: Job): number | null {
    const ttl = job.spec.ttlSecondsAfterFinished;
    const ended = job.status.conditions?.find(({ type }) => type === 'Complete' || type === 'Failed');
    if (ttl === undefined || ended?.lastTransitionTime === undefined) return null;
    const dueMs = Date.parse(ended.lastTransitionTime) + ttl * this.secondMs;
    if (Date.now() < dueMs) return dueMs;
    this.store.delete('jobs', job);
    return null;
  }

  /** Counts a pod once, when it has ended. A pod deleted before it ended counts as failed. */
  #count(job: Job, pod: Pod, gone: boolean): void {
    const tally = this.#tallyOf(job);
    const { uid } = pod.metadata;
    if (tally.counted.has(uid) || (!gone && !isOver(pod))) return;
    tally.counted.add(uid);
    const suspended = job.spec.suspend === true;
    const verdict = suspended ? 'ignored' : verdictOf(job, pod);
    if (verdict === 'succeeded') tally.succeeded += 1;
    if (verdict === 'failed') tally.failed += 1;
    if (verdict === 'fail-job') {
      tally.failed += 1;
      const rule = `Container worker for pod ${pod.metadata.namespace}/${pod.metadata.name} failed`;
      tally.failJob = `${rule} with exit code ${exitCodeOf(pod)} matching FailJob rule`;
    }
    tally.lastEndMs = Date.now();
    tally.endsInRow = suspended ? 0 : tally.endsInRow + 1;
  }

  #writeStatus(job: Job, status: Partial<Job['status']>): void {
    this.store.update('jobs', { ...job, status: { ...job.status, ...status } });
  }

  #createPod({ metadata, spec }: Job): void {
    this.#pods += 1;
    const suffix = Array.from({ length: 5 }, (_, place) => SUFFIX[Math.floor(this.#pods / 36 ** place) % 36]).join('');
    this.store.create('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${metadata.name}-${suffix}`,
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
        labels: {
          ...spec.template.metadata?.labels,
          'batch.kubernetes.io/job-name': metadata.name,
          'batch.kubernetes.io/controller-uid': metadata.uid,
        },
        ...(spec.template.metadata?.annotations === undefined
          ? {}
          : { annotations: spec.template.metadata.annotations }),
        ownerReferences: [
          { apiVersion: 'batch/v1', kind: 'Job', name: metadata.name, uid: metadata.uid, controller: true },
        ],
      },
      spec: spec.template.spec,
      status: { phase: 'Pending' },
    });
  }

  #podsOf({ metadata }: Job): Pod[] {
    return this.store
      .list('pods', metadata.namespace)
      .filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid))
      .map(asPod);
  }

  #tallyOf({ metadata: { uid } }: Job): Tally {
    let tally = this.#tallies.get(uid);
    if (tally === undefined) {
      tally = { counted: new Set(), failed: 0, succeeded: 0, failJob: null, lastEndMs: 0, endsInRow: 0 };
      this.#tallies.set(uid, tally);
    }
    return tally;
  }
}

export function isOver({ status }: Pod): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed';
}

function verdictOf({ spec }: Job, pod: Pod): Verdict {
  if (pod.status.phase === 'Succeeded') return 'succeeded';
  const code = exitCodeOf(pod);
  for (const { action, onExitCodes, onPodConditions } of spec.podFailurePolicy?.rules ?? []) {
    const byCode = code !== null && onExitCodes?.values.includes(code) === (onExitCodes?.operator === 'In');
    const byCondition = onPodConditions?.some(({ type }) => hasCondition(pod.status.conditions, type)) ?? false;
    if ((onExitCodes !== undefined && byCode) || byCondition) return action === 'FailJob' ? 'fail-job' : 'ignored';
  }
  return 'failed';
}

function exitCodeOf({ status }: Pod): number | null {
  const codes = (status.containerStatuses ?? []).map(({ state }: ContainerStatus) =>
    isRecord(state.terminated) ? state.terminated.exitCode : undefined,
  );
  const code = codes.find((one) => typeof one === 'number' && one !== 0);
  return typeof code === 'number' ? code : null;
}
