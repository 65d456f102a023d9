import type { SweepId } from '@adctl/protocol';
import { advanceSweep } from './apply/advance-sweep.js';
import { dispatchTrials } from './apply/dispatch-trials.js';
import { foldFacts } from './apply/fold-facts.js';
import { forgetLeasesOf } from './apply/forget-leases.js';
import { stopTrials } from './apply/stop-trials.js';
import { writeSweep } from './apply/write-trial.js';
import { inBatches } from './batches.js';
import type { ControllerContext } from './context.js';
import { viewDispatch } from './observe/dispatch-view.js';
import { type Inbox, type TrialNews, toFacts } from './observe/inbox.js';
import type { SweepBook } from './observe/sweep-book.js';
import { planDispatch } from './plan/dispatch.js';
import { setApart } from './set-apart.js';

/**
 * One turn of the controller: fold what was heard, stop what should not run, end what is done, fill the windows.
 * @returns when the next queued trial's back-off ends, in ms since 1970; null when none waits.
 */
export async function runTurn(context: ControllerContext, inbox: Inbox): Promise<number | null> {
  await foldNews(context, inbox);
  for (const book of [...context.books.values()]) await setApart(context, book, () => moveOn(context, book));
  const next = releaseBackOffs(context);
  await fillWindows(context);
  return next;
}

async function moveOn(context: ControllerContext, book: SweepBook): Promise<void> {
  await stopTrials(context, book);
  await beginWhenFree(context, book);
  const over = await advanceSweep(context, book);
  indexResults(context, book, over);
  if (over) closeSweep(context, book.record.sweep);
}

async function foldNews(context: ControllerContext, inbox: Inbox): Promise<void> {
  await inBatches(inbox.take(), (one) => foldOrRetry(context, inbox, one));
}

/** A store that is away for a moment delays one trial's news; nothing is lost. */
async function foldOrRetry(context: ControllerContext, inbox: Inbox, one: TrialNews): Promise<void> {
  const book = context.books.get(one.sweep);
  if (book === undefined) return;
  const fold = async () => {
    const facts = await toFacts(context, book, one);
    if (facts.length > 0) await foldFacts(context, book, one.trial, facts);
  };
  await setApart(context, book, fold, () => {
    inbox.put(one.sweep, one.trial, ...one.news);
    context.wake();
  });
}

function releaseBackOffs(context: ControllerContext): number | null {
  let next: number | null = null;
  for (const book of context.books.values()) {
    const due = book.release(context.clock.now());
    if (due !== null && (next === null || due < next)) next = due;
  }
  return next;
}

async function fillWindows(context: ControllerContext): Promise<void> {
  const { classes, sweeps } = viewDispatch(context);
  const reusedBefore = context.counters.reused;
  await Promise.all(
    planDispatch(classes, sweeps, context.owners).map(async ({ sweep, count }) => {
      const book = context.books.get(sweep);
      if (book === undefined) return;
      await setApart(context, book, async () => {
        await dispatchTrials(context, book, count);
      });
    }),
  );
  // Reused trials took no place: there is room for more, and the sweep may even be over.
  if (context.counters.reused > reusedBefore) context.wake();
}

/** A sweep that waits for others begins once they are over. */
async function beginWhenFree(context: ControllerContext, book: SweepBook): Promise<void> {
  const { after } = book.record;
  if (after === undefined || after.some((sweep) => context.books.has(sweep) || context.held.has(sweep))) return;
  await writeSweep(context, book, { ...book.record, after: undefined, reason: undefined });
  context.wake();
}

/** Beside the turns: nothing waits for the index, and what it lacks is read from the results. */
function indexResults(context: ControllerContext, { frozen }: SweepBook, over: boolean): void {
  context.results.compact(frozen, over).catch((error: unknown) => {
    context.logger.warn({ err: error, sweep: frozen.id }, 'results not indexed; the next turn tries again');
  });
}

/** Forgets an ended sweep and the leases of its trials; its records and objects stay. */
function closeSweep(context: ControllerContext, sweep: SweepId): void {
  context.books.delete(sweep);
  context.statuses.delete(sweep);
  forgetLeasesOf(context, sweep).catch((error: unknown) => {
    context.logger.warn({ err: error, sweep }, 'leases of an ended sweep stay until the next start');
  });
}
