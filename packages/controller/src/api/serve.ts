import {
  adminVerb,
  type ControllerStatus,
  ControlRequest,
  type ControlVerb,
  OWNED_VERBS,
  SweepRef,
} from '@adctl/protocol';
import type { z } from 'zod';
import type { Controller } from '../controller.js';
import { badRequest, sweepOfOtherOwner } from '../errors.js';
import { GarbageCollection } from '../gc/collect-garbage.js';
import { type SweepReading, submitSweep } from '../intake.js';
import type { PoolBoard } from '../kubernetes/pool-board.js';
import { isOver } from '../plan/is-over.js';
import { Rebuild } from '../rebuild/rebuild.js';
import { Archive } from './archive.js';
import { readLeaderboard } from './leaderboard.js';
import { mayChange } from './ownership.js';
import { cancelSweep, listSweeps, pauseSweep, resumeSweep, retrySweep, setSweep, showSweep } from './sweeps.js';
import { explain, listTrials, readLogs, showTrial, type TrialsApi } from './trials.js';
import { waitingClasses } from './waiting-classes.js';

export interface ApiOptions extends SweepReading {
  readonly version: string;
  readonly deployment: ControllerStatus['deployment'];
  /** Embedded: the `.adctl` folder. */
  readonly directory?: string | undefined;
  /** Cluster: who answers, and on what it stands. */
  readonly facts?: Pick<ControllerStatus, 'controller' | 'objects' | 'nats'>;
  /** Pools of worker pods, where this controller makes them. */
  readonly pools?: PoolBoard | undefined;
  /** Where it runs by itself; default one of its own. */
  readonly gc?: GarbageCollection;
  /** Where people find an object: a file's path, a URL. */
  readonly locate: (objectKey: string) => string;
}

type Handlers = {
  readonly [V in ControlVerb]: (payload: z.output<(typeof ControlRequest)[V]>, caller: string) => Promise<unknown>;
};

/**
 * Answers every verb of the request API until the returned function is called. Payloads are parsed by schema; whatever
 * changes something runs between two turns of the controller.
 */
export async function serveApi(controller: Controller, options: ApiOptions): Promise<() => Promise<void>> {
  const archive = new Archive(controller.context);
  const serve = createServing(controller, createHandlers(controller, options, archive));
  const ofOwner = refuseOthers(controller, archive);
  const isOwned = (verb: ControlVerb) => OWNED_VERBS.some((owned) => owned === verb);
  const verbs = Object.keys(ControlRequest) as ControlVerb[];
  const stops = await Promise.all([
    ...verbs.map((verb) => serve(verb, isOwned(verb) ? { check: ofOwner } : {})),
    ...OWNED_VERBS.map((verb) => serve(verb, { as: adminVerb(verb) })),
  ]);
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

/** Looks at who asks for what; throws what is answered instead. */
type Check = (payload: unknown, caller: string) => Promise<void>;

function createServing({ context }: Controller, handlers: Handlers) {
  return <V extends ControlVerb>(verb: V, { as = verb, check }: { readonly as?: string; readonly check?: Check }) => {
    const schema: z.ZodType<z.output<(typeof ControlRequest)[V]>> = ControlRequest[verb] as never;
    return context.messaging.control.serve(as, async (payload, caller) => {
      const parsed = schema.safeParse(payload);
      if (!parsed.success) throw badRequest(verb, parsed.error);
      await check?.(parsed.data, caller);
      return handlers[verb](parsed.data, caller);
    });
  };
}

/** Others than the owner are refused what changes a sweep. */
function refuseOthers({ context }: Controller, archive: Archive): Check {
  return async (payload, caller) => {
    const { sweep } = SweepRef.parse(payload);
    const record = await archive.recordOf(sweep); // also of one that is held
    if (!mayChange(context, record, caller)) throw sweepOfOtherOwner(record, 'an admin, who says --as-admin');
  };
}

function createHandlers(controller: Controller, options: ApiOptions, archive: Archive): Handlers {
  const { context } = controller;
  const trials: TrialsApi = { context, archive, locate: options.locate };
  const rebuild = new Rebuild(controller);
  const gc = options.gc ?? new GarbageCollection(context);
  const startedAt = new Date(context.clock.now()).toISOString();
  const thenShow = async (sweep: Parameters<typeof showSweep>[2], change: () => Promise<void>) => {
    await controller.settled(change);
    return showSweep(context, archive, sweep);
  };
  return {
    'sweeps.submit': (request, caller) => submitSweep(controller, request, caller, options),
    'sweeps.list': ({ active }) => listSweeps(archive, active),
    'sweeps.show': ({ sweep }) => showSweep(context, archive, sweep),
    'sweeps.pause': ({ sweep }) => thenShow(sweep, () => pauseSweep(context, sweep)),
    'sweeps.resume': ({ sweep }) => thenShow(sweep, () => resumeSweep(context, sweep)),
    'sweeps.set': ({ sweep, parallel, priority }) =>
      thenShow(sweep, () => setSweep(context, sweep, { parallel, priority })),
    'sweeps.cancel': ({ sweep, now, deadlineSeconds }, by) =>
      thenShow(sweep, () => cancelSweep(context, sweep, { now, deadlineSeconds, by })),
    'sweeps.retry': ({ sweep, states, classes }) =>
      controller.settled(() => retrySweep(context, archive, sweep, { states, classes })),
    'trials.list': (filter) => listTrials(trials, filter),
    'trials.show': (request) => showTrial(trials, request),
    'trials.why': (request) => explain(trials, request),
    'trials.logs': (request) => readLogs(trials, request),
    leaderboard: (query) => readLeaderboard(archive, context.results, options.cards, query),
    'admin.rebuild': async ({ start, force }) => (start ? rebuild.start(force) : rebuild.progress()),
    'admin.gc': async ({ start, dryRun }) => (start ? gc.start(dryRun) : gc.progress()),
    'datasets.look': (request) => options.datasets.look(request),
    'datasets.list': () => options.datasets.shared(),
    async status() {
      return {
        version: 1,
        adctl: options.version,
        pid: process.pid,
        startedAt,
        at: new Date(context.clock.now()).toISOString(),
        deployment: options.deployment,
        ...options.facts,
        directory: options.directory,
        workers: context.fleet.list(context.clock.now()),
        ...(options.pools === undefined ? {} : { pools: options.pools.pools(), pods: options.pools.workers() }),
        waiting: waitingClasses(context),
        slots: context.fleet.slots(),
        activeSweeps: [...context.books.values()].filter(({ record }) => !isOver(record)).length,
        illegalTransitions: context.counters.illegalTransitions,
      } satisfies ControllerStatus;
    },
  };
}
