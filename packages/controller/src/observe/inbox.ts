import type { StateEntry } from '@adctl/messaging';
import {
  AttemptEvent,
  HEARTBEATS,
  isFinal,
  isHeartbeatOf,
  Lease,
  ReleaseEvent,
  ResultEvent,
  type SweepId,
  SweepId as SweepIdSchema,
  TrialId,
  TrialRecord,
  WorkerHeartbeat,
} from '@adctl/protocol';
import { readResult } from '@adctl/storage';
import { orderStop } from '../apply/fold-facts.js';
import { toResultFacts } from '../apply/results.js';
import { readAttempt } from '../apply/take-back.js';
import { trialKey } from '../apply/write-trial.js';
import type { ControllerContext } from '../context.js';
import type { TrialFact } from '../plan/fold-fact.js';
import type { SweepBook } from './sweep-book.js';

/** Something heard of a trial, not yet looked up. */
export type News = { readonly news: 'lease'; readonly lease: Lease } | ResultEvent | AttemptEvent | ReleaseEvent;

/** News of one trial, in the order heard. */
export interface TrialNews {
  readonly sweep: SweepId;
  readonly trial: TrialId;
  readonly news: readonly News[];
}

/** Collects what is heard between two turns of the loop, by trial. */
export class Inbox {
  #byTrial = new Map<string, { sweep: SweepId; trial: TrialId; news: News[] }>();

  get size(): number {
    return this.#byTrial.size;
  }

  put(sweep: SweepId, trial: TrialId, ...news: News[]): void {
    const key = trialKey(sweep, trial);
    const held = this.#byTrial.get(key);
    if (held === undefined) this.#byTrial.set(key, { sweep, trial, news });
    else held.news.push(...news);
  }

  /** Empties the inbox. */
  take(): TrialNews[] {
    const all = [...this.#byTrial.values()];
    this.#byTrial = new Map();
    return all;
  }
}

/** Follows result, attempt and release events from a sequence on. Ends when the signal is aborted. */
export async function followEvents(
  context: ControllerContext,
  inbox: Inbox,
  filter: 'result.>' | 'attempt.>' | 'release.>',
  options: { readonly from: number; readonly signal: AbortSignal },
): Promise<void> {
  const schema = { 'result.>': ResultEvent, 'attempt.>': AttemptEvent, 'release.>': ReleaseEvent }[filter];
  for await (const { subject, data } of context.messaging.events.follow(filter, options)) {
    const event = schema.safeParse(data);
    if (!event.success) {
      context.logger.warn({ subject, issues: event.error.issues }, 'event not understood');
      continue;
    }
    inbox.put(event.data.sweep, event.data.trial, event.data);
    context.wake();
  }
}

/**
 * Watches leases: a claim is news, a renewal is only noted.
 * @param onReady called once the leases that exist have been noted, with those of sweeps that are over.
 * @param onDeadClaim called when a worker that has ended turns out to have claimed something.
 */
export async function watchLeases(
  context: ControllerContext,
  inbox: Inbox,
  options: {
    readonly signal: AbortSignal;
    readonly onReady: (strays: readonly StateEntry[]) => void;
    readonly onDeadClaim: () => void;
  },
): Promise<void> {
  let strays: StateEntry[] | null = [];
  for await (const change of context.leases.watch('', options.signal)) {
    if (strays !== null) context.pulse();
    if (change === 'ready') {
      options.onReady(strays ?? []);
      strays = null;
      continue;
    }
    const [sweepToken, trialToken] = change.key.split('.');
    if (sweepToken === undefined || trialToken === undefined) continue;
    const sweep = SweepIdSchema.parse(sweepToken);
    const trial = TrialId.parse(trialToken);
    if (strays !== null && !context.books.has(sweep)) strays.push(change);
    const lease = Lease.safeParse(change.value);
    if (!lease.success) {
      context.leaseBoard.forget(sweep, trial); // deleted: nobody holds it
      continue;
    }
    noteLease(context, inbox, sweep, trial, lease.data);
    if (lease.data.released !== true && context.fleet.isGone(lease.data.worker)) options.onDeadClaim();
  }
}

function noteLease(context: ControllerContext, inbox: Inbox, sweep: SweepId, trial: TrialId, lease: Lease): void {
  const book = context.books.get(sweep);
  if (book === undefined) return;
  const record = book.get(trial)?.record;
  if (record !== undefined) context.leaseBoard.note(sweep, trial, lease, context.clock.now());
  if (lease.released === true || record?.attempt === lease.attempt) return;
  inbox.put(sweep, trial, { news: 'lease', lease });
  context.wake();
}

/** Hears heartbeats, and repeats orders that their worker has not followed yet. @returns the function that stops it. */
export function hearWorkers(context: ControllerContext): Promise<() => Promise<void>> {
  return context.messaging.control.subscribe(HEARTBEATS, (topic, payload) => {
    const heartbeat = WorkerHeartbeat.safeParse(payload);
    if (!heartbeat.success) {
      context.logger.warn({ topic }, 'heartbeat not understood');
      return;
    }
    if (!isHeartbeatOf(topic, heartbeat.data.worker)) {
      context.logger.warn({ topic, worker: heartbeat.data.worker }, 'a heartbeat in the name of another worker');
      return;
    }
    if (context.fleet.note(heartbeat.data, context.clock.now())) context.wake();
    for (const figures of heartbeat.data.checkpoints ?? []) context.measures.checkpointed(figures);
    repeatOrders(context, heartbeat.data);
  });
}

/** An order is lost when it comes between a claim and its training: the worker still names the trial as its own. */
function repeatOrders(context: ControllerContext, { worker, busy }: WorkerHeartbeat): void {
  for (const { sweep, trial, attempt } of busy) {
    const record = context.books.get(sweep)?.get(trial)?.record;
    if (record?.cancelRequest === undefined || record.attempt !== attempt || record.worker !== worker) continue;
    orderStop(context, record).catch((error: unknown) => {
      context.logger.debug({ err: error, worker }, 'order not sent; the next heartbeat repeats it');
    });
  }
}

/** Turns news into facts by looking at the objects they point to; stale news is not looked up. */
export async function toFacts(
  context: ControllerContext,
  book: SweepBook,
  { trial, news }: TrialNews,
): Promise<TrialFact[]> {
  const entry = book.get(trial);
  if (entry === undefined) {
    await answerLateClaim(context, book, trial, news);
    return [];
  }
  const facts: TrialFact[] = [];
  for (const one of news) {
    const fact = await toFact(context, book, one, entry.record.generation);
    if (fact !== null) facts.push(fact);
  }
  return facts;
}

async function toFact(
  context: ControllerContext,
  book: SweepBook,
  news: News,
  generation: number,
): Promise<TrialFact | null> {
  if ('news' in news) return { fact: 'lease', lease: news.lease };
  if (news.generation !== generation) return null;
  switch (news.type) {
    case 'result': {
      const result = news.result ?? (await readResult(context.objects, news.resultKey));
      if (result === null) {
        context.logger.error({ event: news }, 'a result event without its object');
        return null;
      }
      context.results.note(result, news.resultKey);
      return { fact: 'result', result: toResultFacts(result, news.resultKey, book.frozen.sweep.objective) };
    }
    case 'attempt': {
      const attempt = await readAttempt(context, news.recordKey);
      if (attempt === null) {
        context.logger.error({ event: news }, 'an attempt event without its record');
        return null;
      }
      return { fact: 'attempt', generation: news.generation, attempt };
    }
    case 'release':
      return { fact: 'release', generation: news.generation, attempt: news.attempt, reason: news.reason };
  }
}

/** A claim of a trial that has ended: its holder works for nothing, unless it is the one that ended it. */
async function answerLateClaim(
  context: ControllerContext,
  book: SweepBook,
  trial: TrialId,
  news: readonly News[],
): Promise<void> {
  const claim = news.findLast((one) => 'news' in one);
  if (claim === undefined || !('news' in claim)) return;
  const entry = await context.trials.get(trialKey(book.record.sweep, trial));
  if (entry === null) return;
  const record = TrialRecord.parse(entry.value);
  if (!isFinal(record.state) || claim.lease.attempt <= record.attempt) return;
  await orderStop(context, { ...record, attempt: claim.lease.attempt, worker: claim.lease.worker });
}
