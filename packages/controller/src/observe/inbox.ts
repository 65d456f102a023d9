import type { StateEntry } from '@adctl/messaging';
import {
  AttemptEvent,
  attemptRecordKey,
  HEARTBEATS,
  isFinal,
  isHeartbeatOf,
  Lease,
  ReleaseEvent,
  ResultEvent,
  SweepId,
  TrialId,
  TrialRecord,
  WorkerHeartbeat,
} from '@adctl/protocol';
import { z } from 'zod';
import { orderStop } from '../apply/fold-facts.js';
import { findResult, resultKeyOf, toResultFacts } from '../apply/results.js';
import { findAttempt } from '../apply/take-back.js';
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
      context.measures.notUnderstood('event');
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
    const place = LeasePlace.safeParse(change.key.split('.'));
    if (!place.success) {
      // No trial's: workers read none there, and it is in nobody's way.
      context.logger.warn({ key: change.key }, 'a lease of nothing is left alone');
      context.measures.notUnderstood('lease');
      continue;
    }
    const [sweep, trial] = place.data;
    if (strays !== null && !context.books.has(sweep) && !context.held.has(sweep)) strays.push(change);
    if (change.value === null) {
      context.leaseBoard.forget(sweep, trial); // deleted: nobody holds it
      continue;
    }
    const lease = Lease.safeParse(change.value);
    if (!lease.success) {
      context.logger.warn({ sweep, trial, issues: lease.error.issues }, 'a lease cannot be read; it will be replaced');
      context.measures.notUnderstood('lease');
      if (context.books.has(sweep)) context.leaseBoard.spoil(sweep, trial);
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

/** A lease's key: a sweep and a trial. */
const LeasePlace = z.tuple([SweepId, TrialId]);

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
    const fact = await toFact(context, book, one, entry.record);
    if (fact !== null) facts.push(fact);
  }
  return facts;
}

async function toFact(
  context: ControllerContext,
  book: SweepBook,
  news: News,
  record: TrialRecord,
): Promise<TrialFact | null> {
  if ('news' in news) return { fact: 'lease', lease: news.lease };
  if (news.generation !== record.generation) return null;
  if (!namesItsOwn(news, record)) {
    context.logger.warn({ event: news }, 'an event that names what is not of its trial is not believed');
    context.measures.notUnderstood('event');
    return null;
  }
  switch (news.type) {
    case 'result': {
      const { result, resultKey } = news;
      if (result === undefined) {
        const found = await findResult(context, book, record, { isTold: true });
        if (found === null) context.logger.error({ event: news }, 'a result event without its object');
        return found;
      }
      context.results.note(result, resultKey);
      return { fact: 'result', result: toResultFacts(result, resultKey, book.frozen.sweep.objective) };
    }
    case 'attempt': {
      const found = await findAttempt(context, news, news.attempt);
      if (found === null) context.logger.error({ event: news }, 'an attempt event without its record');
      return found;
    }
    case 'release':
      return { fact: 'release', generation: news.generation, attempt: news.attempt, reason: news.reason };
  }
}

/** Whether an event tells of nothing but its own trial: anybody who may report could name another's objects. */
function namesItsOwn(event: ResultEvent | AttemptEvent | ReleaseEvent, record: TrialRecord): boolean {
  const { sweep, trial, generation, attempt } = event;
  if (event.type === 'release') return true;
  if (event.type === 'attempt') return event.recordKey === attemptRecordKey(sweep, trial, generation, attempt);
  const { result } = event;
  if (event.resultKey !== resultKeyOf(record)) return false;
  if (result === undefined) return true;
  const { spec } = result;
  return (
    spec.sweep === sweep && spec.trial === trial && spec.index === record.index && result.generation === generation
  );
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
