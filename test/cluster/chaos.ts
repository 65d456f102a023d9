import { setTimeout as delay } from 'node:timers/promises';
import type { Messaging } from '@adctl/messaging';
import { AdctlError, TrialRecord } from '@adctl/protocol';
import { createGenerator } from '@adctl/random';
import { slowDown } from '@adctl/storage/s3/testing';
import { z } from 'zod';
import { type Audit, auditSweep, connectAsController } from './audit.ts';
import type { Cluster } from './cluster.ts';
import { startClusterOnS3 } from './cluster-on-s3.ts';
import { writeNoopSweep } from './noop-sweep.ts';
import type { ClusterProcess } from './processes.ts';

export interface ChaosPlan {
  /** Search trials; one report trial more. */
  readonly trials: number;
  readonly workers: number;
  readonly slots: number;
  /** One leads, the others stand by. */
  readonly controllers: number;
  /** Kills with -9 of whichever controller leads. */
  readonly controllerKills: number;
  /** Pause between two kills of a worker with -9. */
  readonly workerKillEveryMs: number;
  /** One, or three that keep copies of each other's streams. */
  readonly natsServers: 1 | 3;
  /** Of one server after the other. */
  readonly natsRestarts: number;
  /** Share of all S3 requests that are refused, throughout. */
  readonly refuse: number;
  readonly ackWaitMs: number;
  /** Of the trials, in epochs of about a millisecond. */
  readonly epochs: number;
  readonly seed: number;
}

export interface ChaosReport {
  readonly seconds: number;
  readonly kills: { readonly controllers: number; readonly workers: number; readonly nats: number };
  /** From a controller's death until one answers again, in ms, in order. */
  readonly failoverMs: readonly number[];
  /** From a controller's death until another one has filled the windows of workers that it has heard, in ms, in order. */
  readonly fillAgainMs: readonly number[];
  /**
   * From a controller's death until the next trial is dispatched, in ms, in order; of the deaths after which one was. Windows that
   * are full, of dead workers' trials too, have no room for one.
   */
  readonly dispatchAgainMs: readonly number[];
  readonly audit: Audit;
}

/**
 * Runs a sweep of short trials through the real programs while everything dies: the leading controller, workers, the
 * nats-server; and the object store refuses a share of all requests. Then the witnesses are compared.
 */
export async function runChaos(plan: ChaosPlan, say: (line: string) => void = () => undefined): Promise<ChaosReport> {
  const env = { ADCTL_TRAINER: 'noop' };
  const { ackWaitMs, natsServers } = plan;
  const { cluster, s3, objects, close } = await startClusterOnS3({ ackWaitMs, natsServers, env });
  try {
    const sweep = await submit(cluster, plan);
    const generator = createGenerator(plan.seed, 'chaos');
    s3.setFaults(slowDown(plan.refuse, () => generator.uniform()));
    const startedAt = performance.now();
    const over = new AbortController();
    const watching = watch(cluster, sweep).finally(() => over.abort());
    const [{ deaths, fills }, dispatches, workers, nats] = await Promise.all([
      killControllers(cluster, plan, over.signal, say),
      noteDispatches(cluster, sweep, over.signal),
      killWorkers(cluster, plan, over.signal),
      restartNats(cluster, plan, over.signal, say),
      watching,
    ]);
    const seconds = (performance.now() - startedAt) / 1_000;
    s3.setFaults(() => null);
    const audit = await auditSweep(cluster, { sweep, trials: plan.trials + 1, objects });
    return {
      seconds,
      kills: { controllers: deaths.length, workers, nats },
      failoverMs: deaths.map(({ failoverMs }) => failoverMs),
      fillAgainMs: nextAfter(deaths, fills),
      dispatchAgainMs: nextAfter(deaths, dispatches),
      audit,
    };
  } finally {
    await close();
  }
}

async function submit(cluster: Cluster, { trials, epochs }: ChaosPlan): Promise<string> {
  const leader = await cluster.startLeader();
  const learningRates = Array.from({ length: trials }, (_, index) => (index + 1) / 1_000_000);
  const file = await writeNoopSweep(cluster.folder, { name: 'chaos', epochs, learningRates });
  const { code, stdout, stderr } = await cluster.run(['sweep', file, '--yes', '--detach', '--json']);
  if (code !== 0) throw new Error(`the sweep was not accepted: ${stderr}${stdout}`);
  await leader.remove();
  return z.object({ accepted: z.object({ sweep: z.string() }) }).parse(JSON.parse(stdout)).accepted.sweep;
}

/**
 * Notes when trials are dispatched, in ms since the epoch, as the records change. A record that goes on at once is seen as running or
 * completed, and still tells when it was dispatched; one that is queued again within an outage hides it.
 */
async function noteDispatches(cluster: Cluster, sweep: string, over: AbortSignal): Promise<number[]> {
  const times = new Set<number>();
  while (!over.aborted) {
    let messaging: Messaging | undefined;
    try {
      messaging = await connectAsController(cluster);
      for await (const change of messaging.state.bucket('trial').watch(sweep, over)) {
        if (change === 'ready' || change.value === null) continue;
        const { dispatchedAt } = TrialRecord.parse(change.value);
        if (dispatchedAt !== undefined) times.add(Date.parse(dispatchedAt));
      }
    } catch (error) {
      if (!(error instanceof AdctlError) || error.kind !== 'transient') throw error;
      await delay(200); // the server is away
    } finally {
      await messaging?.close();
    }
  }
  return [...times].sort((a, b) => a - b);
}

function nextAfter(deaths: readonly Death[], times: readonly number[]): number[] {
  return deaths.flatMap(({ at }) => {
    const next = times.find((time) => time >= at);
    return next === undefined ? [] : [next - at];
  });
}

/** Follows the sweep to its end, again and again: a command may give up while everything is down. */
async function watch(cluster: Cluster, sweep: string): Promise<void> {
  for (;;) {
    const { code, stdout } = await cluster.run(['sweeps', 'watch', sweep, '--json', '--log-level', 'error']);
    if (code === 0) return;
    if (code !== 75) throw new Error(`watching ended with ${code}: ${stdout.slice(0, 2_000)}`);
    await delay(500);
  }
}

/** Of a leading controller. */
interface Death {
  /** In ms since the epoch. */
  readonly at: number;
  /** Until one answered again. */
  readonly failoverMs: number;
}

/** Controllers; the one that leads is killed as often as planned, some seconds after it began to answer. */
async function killControllers(
  cluster: Cluster,
  plan: ChaosPlan,
  over: AbortSignal,
  say: (line: string) => void,
): Promise<{ deaths: Death[]; fills: number[] }> {
  const generator = createGenerator(plan.seed, 'controllers');
  const deaths: Death[] = [];
  const living = new Set<ClusterProcess>();
  const all: ClusterProcess[] = [];
  const startOne = () => {
    const started = cluster.startController();
    living.add(started);
    all.push(started);
    // One that gave up, e.g. because the server was away, is started again as a Deployment would.
    void started.ended.then(() => {
      living.delete(started);
      if (!over.aborted) startOne();
    });
  };
  for (let count = 0; count < plan.controllers; count++) startOne();
  let diedAt: number | null = null;
  while (!over.aborted) {
    const leader = await Promise.race([untilOneLeads(living), untilAborted(over)]);
    if (leader === null) break;
    if (diedAt !== null) deaths.push({ at: diedAt, failoverMs: Date.now() - diedAt });
    if (deaths.length >= plan.controllerKills) break;
    await delay(500 + generator.integer(1_500), undefined, { signal: over }).catch(() => undefined); // over: seen above
    if (over.aborted) break;
    diedAt = Date.now();
    leader.kill('SIGKILL');
    await leader.ended;
    say(`controller killed, ${deaths.length + 1} of ${plan.controllerKills}`);
  }
  await untilAborted(over);
  return { deaths, fills: all.flatMap((one) => firstFillsOf(one.log())).sort((a, b) => a - b) };
}

/** When a controller filled windows for the first time, each time it led; in ms since the epoch. */
function firstFillsOf(log: string): number[] {
  const told = log.split('\n').filter((line) => line.includes('"msg":"dispatches"'));
  return told.map((line) => z.object({ time: z.number() }).parse(JSON.parse(line)).time);
}

/** The first living controller that says, after now, that it leads; or has said so and said nothing of having lost it. */
function untilOneLeads(living: ReadonlySet<ClusterProcess>): Promise<ClusterProcess> {
  return new Promise((resolve) => {
    const look = () => {
      for (const one of living) {
        const log = one.log();
        if (log.lastIndexOf('"msg":"leads"') > log.lastIndexOf('"msg":"no longer leading"')) return resolve(one);
      }
      setTimeout(look, 20);
    };
    look();
  });
}

function untilAborted(signal: AbortSignal): Promise<null> {
  if (signal.aborted) return Promise.resolve(null);
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
}

/** Workers that are started again when they end, and one of them killed every now and then. @returns the kills. */
async function killWorkers(cluster: Cluster, plan: ChaosPlan, over: AbortSignal): Promise<number> {
  const generator = createGenerator(plan.seed, 'workers');
  const living: ClusterProcess[] = [];
  let started = 0;
  let kills = 0;
  const startOne = (place: number) => {
    started += 1;
    const worker = cluster.startWorker(`w-${started}`, { ADCTL_SLOTS: String(plan.slots) });
    living[place] = worker;
    void worker.ended.then(() => {
      if (!over.aborted) startOne(place);
    });
  };
  for (let place = 0; place < plan.workers; place++) startOne(place);
  while (!over.aborted) {
    await delay(plan.workerKillEveryMs, undefined, { signal: over }).catch(() => undefined); // over: seen below
    if (over.aborted) break;
    living[generator.integer(living.length)]?.kill('SIGKILL');
    kills += 1;
  }
  return kills;
}

/** Restarts the servers some seconds apart, one at a time, by a signal and by a crash in turn. @returns how often. */
async function restartNats(
  cluster: Cluster,
  plan: ChaosPlan,
  over: AbortSignal,
  say: (line: string) => void,
): Promise<number> {
  let restarts = 0;
  while (restarts < plan.natsRestarts) {
    await delay(5_000, undefined, { signal: over }).catch(() => undefined); // over: seen below
    if (over.aborted) break;
    const server = cluster.natsServers[restarts % cluster.natsServers.length] ?? cluster.nats;
    await (restarts % 2 === 0 ? server.stop() : server.kill());
    await delay(1_000);
    await server.start();
    restarts += 1;
    say(`nats-server restarted, ${restarts} of ${plan.natsRestarts}`);
  }
  return restarts;
}
