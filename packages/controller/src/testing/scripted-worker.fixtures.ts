import { createLeaseTimes, type Delivery, type Messaging } from '@adctl/messaging';
import {
  type AttemptRecord,
  attemptRecordKey,
  type EngineFacts,
  type FailureClass,
  heartbeatTopic,
  isFinal,
  Lease,
  orderTopic,
  type ReleaseEvent,
  type ResultEvent,
  type Sha256,
  TrialRecord,
  type TrialResult,
  type TrialSpec,
  WorkerId,
  WorkerOrder,
} from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import { type ObjectStore, writeResultOnce } from '@adctl/storage';

/** What every result says of the machine. */
const ENGINE: EngineFacts = {
  backend: 'tensorflow',
  tensorflow: '2.21.0',
  gpu: false,
  threads: 1,
  node: 'v24.0.0',
  platform: 'linux-x64',
};

/** How long a failing attempt says that it took. */
const FAILED_ATTEMPT_MS = 30_000;

/** What one attempt comes to. */
export type Script =
  | { readonly does: 'complete' }
  | { readonly does: 'diverge' }
  | {
      readonly does: 'fail';
      readonly class: FailureClass;
      readonly code?: string;
      readonly kind?: 'user' | 'transient';
    }
  /** Claims and is never heard of again. */
  | { readonly does: 'vanish' }
  /** Keeps the trial until it is told to stop, then releases it. */
  | { readonly does: 'hold' };

export interface ScriptedWorkerOptions {
  readonly messaging: Messaging;
  readonly objects: ObjectStore;
  readonly worker?: string;
  readonly class?: string;
  readonly slots?: number;
  readonly ackWaitMs?: number;
  readonly signal: AbortSignal;
  /** The code it has; default: the planned one. With another one it trains only what a person accepted. */
  readonly codeVersion?: Sha256;
  /** What the n-th claim of a trial does; default: it completes. */
  readonly script?: (spec: TrialSpec, attempt: number) => Script;
}

/** A worker in this process that follows the protocol of a real one, with made-up numbers instead of training. */
export interface ScriptedWorker {
  /** Trials claimed, in order, with the attempt. */
  readonly claims: { readonly spec: TrialSpec; readonly attempt: number }[];
  /** Resolves when all slots have ended. */
  readonly ended: Promise<void>;
}

export async function startScriptedWorker(options: ScriptedWorkerOptions): Promise<ScriptedWorker> {
  const { messaging, signal, slots = 2 } = options;
  const worker = WorkerId.parse(options.worker ?? 'w-scripted');
  const name = options.class ?? 'cpu';
  const claims: ScriptedWorker['claims'] = [];
  const orders = new Map<string, () => void>();
  const ordered = new Set<string>();
  await messaging.control.subscribe(orderTopic(worker), (_topic, payload) => {
    const order = WorkerOrder.parse(payload);
    if (order.order !== 'stop-trial') return;
    ordered.add(`${order.sweep}.${order.trial} ${order.attempt}`);
    orders.get(`${order.sweep}.${order.trial}`)?.();
  });
  const beat = () =>
    messaging.control.publish(heartbeatTopic(worker), {
      version: 1,
      worker,
      at: new Date().toISOString(),
      class: name,
      slots,
      busy: [],
      state: 'ready',
      codeVersion: 'test',
    });
  await beat();
  const timer = setInterval(() => void beat().catch(() => undefined), createLeaseTimes(options.ackWaitMs).renewMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  const slot = async () => {
    while (!signal.aborted) {
      const delivery = await messaging.queue.next({ class: name, waitMs: 60_000, signal });
      if (delivery !== null) await runTrial({ ...options, worker, claims, orders, ordered }, delivery);
    }
  };
  const ended = Promise.all(Array.from({ length: slots }, slot)).then(
    () => undefined,
    (error: unknown) => {
      if (!signal.aborted && !messaging.closed.aborted) throw error;
    },
  );
  return { claims, ended };
}

interface Running extends Omit<ScriptedWorkerOptions, 'worker'> {
  readonly worker: WorkerId;
  readonly claims: ScriptedWorker['claims'];
  readonly orders: Map<string, () => void>;
  /** Trials and attempts told to stop so far, also before they held. */
  readonly ordered: ReadonlySet<string>;
}

async function runTrial(options: Running, delivery: Delivery): Promise<void> {
  const { messaging, objects, worker, script = () => ({ does: 'complete' as const }) } = options;
  const { assignment } = delivery;
  const key = `${assignment.sweep}.${assignment.trial}`;
  const entry = await messaging.state.bucket('trial').get(key);
  const record = entry === null ? null : TrialRecord.safeParse(entry.value).data;
  if (record === undefined) return delivery.nak(createLeaseTimes(options.ackWaitMs).renewMs); // of another version
  if (record === null || isFinal(record.state) || record.generation !== assignment.generation) return delivery.ack();
  const attempt = await claim(options, key, record);
  if (attempt === null) return delivery.nak(createLeaseTimes(options.ackWaitMs).renewMs);

  const { spec } = assignment;
  if (spec === undefined) throw new Error(`the message of ${key} has no spec`);
  options.claims.push({ spec, attempt });
  const { codeVersion = spec.codeVersion } = options;
  const isRefused = codeVersion !== spec.codeVersion && assignment.codeChangeAccepted !== true;
  const act: Script = isRefused ? { does: 'fail', class: 'infra', code: 'other_code' } : script(spec, attempt);
  switch (act.does) {
    case 'vanish':
      return;
    case 'hold':
      await new Promise<void>((resolve) => {
        options.orders.set(key, resolve);
        if (options.ordered.has(`${key} ${attempt}`)) resolve();
        options.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      if (!options.signal.aborted) await release(options, record, attempt);
      return delivery.ack();
    case 'fail':
      await failAttempt(options, record, attempt, act);
      return delivery.ack();
    default:
      await finish(options, spec, record, attempt, act.does === 'diverge' ? 'diverged' : 'completed');
      return delivery.ack();
  }

  async function finish(
    { messaging: to }: Running,
    of: TrialSpec,
    { generation }: TrialRecord,
    number: number,
    state: 'completed' | 'diverged',
  ): Promise<void> {
    const { key: resultKey, result } = await writeResultOnce(objects, {
      ...makeResult(of, { state, worker, attempt: number, generation }),
      codeVersion,
    });
    const event: ResultEvent = {
      version: 1,
      type: 'result',
      sweep: of.sweep,
      trial: of.trial,
      generation,
      attempt: number,
      ending: result.ending,
      resultKey,
    };
    await to.events.append(`result.${of.sweep}.${of.trial}.${generation}.${number}`, event, { once: true });
  }
}

async function claim(options: Running, key: string, record: TrialRecord): Promise<number | null> {
  const leases = options.messaging.state.bucket('lease');
  const entry = await leases.get(key);
  const held = entry === null ? undefined : Lease.parse(entry.value);
  const free =
    held === undefined ||
    held.released === true ||
    Date.now() - Date.parse(held.renewedAt) > createLeaseTimes(options.ackWaitMs).ackWaitMs;
  if (!free) return null;
  const attempt = Math.max(record.attempt, held?.attempt ?? 0) + 1;
  const lease: Lease = { version: 1, attempt, worker: options.worker, renewedAt: new Date().toISOString() };
  const revision = entry === null ? await leases.create(key, lease) : await leases.update(key, lease, entry.revision);
  return revision === null ? null : attempt;
}

/** As a real worker does: the lease is let go before anything is told. */
async function letGo(options: Running, record: TrialRecord, attempt: number): Promise<void> {
  await options.messaging.state.bucket('lease').put(`${record.sweep}.${record.trial}`, {
    version: 1,
    attempt,
    worker: options.worker,
    renewedAt: new Date().toISOString(),
    released: true,
  } satisfies Lease);
}

async function release(options: Running, record: TrialRecord, attempt: number): Promise<void> {
  const { sweep, trial, generation } = record;
  await letGo(options, record, attempt);
  const event: ReleaseEvent = { version: 1, type: 'release', sweep, trial, generation, attempt, reason: 'paused' };
  await options.messaging.events.append(`release.${sweep}.${trial}.${generation}.${attempt}`, event, { once: true });
}

async function failAttempt(
  options: Running,
  record: TrialRecord,
  attempt: number,
  act: Extract<Script, { does: 'fail' }>,
): Promise<void> {
  const { sweep, trial, generation } = record;
  const recordKey = attemptRecordKey(sweep, trial, generation, attempt);
  const endedAtMs = Date.now();
  const failed: AttemptRecord = {
    version: 1,
    attempt,
    worker: options.worker,
    class: act.class,
    startedAt: new Date(endedAtMs - FAILED_ATTEMPT_MS).toISOString(),
    failure: {
      code: act.code ?? `made_up_${attempt}`,
      kind: act.kind ?? 'transient',
      message: `attempt ${attempt} fails as told`,
      details: {},
    },
    endedAt: new Date(endedAtMs).toISOString(),
  };
  await options.objects.put(recordKey, Buffer.from(JSON.stringify(failed)), { ifAbsent: true });
  await letGo(options, record, attempt);
  const event = { version: 1, type: 'attempt', sweep, trial, generation, attempt, recordKey };
  await options.messaging.events.append(`attempt.${sweep}.${trial}.${generation}.${attempt}`, event, { once: true });
}

/** A result whose numbers follow from configuration, class and seed alone. */
export function makeResult(
  spec: TrialSpec,
  how: {
    readonly state: 'completed' | 'diverged';
    readonly worker: WorkerId;
    readonly attempt: number;
    readonly generation: number;
  },
): TrialResult {
  const chance = createGenerator(spec.seed, spec.configuration, spec.dataset.normal);
  const auroc = 0.6 + 0.4 * chance.uniform();
  const test = 0.6 + 0.4 * chance.uniform();
  const completed = how.state === 'completed';
  return {
    version: 1,
    spec,
    attempt: how.attempt,
    generation: how.generation,
    ending: { state: how.state },
    failures: [],
    ...(completed
      ? {
          selection: { auroc, loss: 1 - auroc },
          test: {
            auroc: test,
            averagePrecision: test,
            f1Max: test,
            f1MaxThreshold: 0,
            fprAt95Tpr: 1 - test,
            aurocImageInterval: [test, test],
            normalImages: 10,
            anomalousImages: 10,
          },
          untrained: { auroc: 0.5 },
          seconds: { train: 1, total: 1 },
        }
      : {}),
    engine: ENGINE,
    worker: how.worker,
    endedAt: new Date().toISOString(),
    artifacts: {},
  };
}
