import type { SweepRecord } from '@adctl/protocol';
import { type ControllerContext, isoNow } from '../context.js';
import type { SweepBook } from '../observe/sweep-book.js';
import { planFinalists } from '../plan/finalists.js';
import { countReportTrials } from '../plan/frozen-sweep.js';
import { REASONS } from '../reasons.js';
import { writeSweep } from './write-trial.js';

/**
 * Moves a sweep to its next phase once nothing of the current one is left: search → finalists → report → completed; a
 * cancelled sweep to its end. Level-based: called as often as one likes.
 * @returns whether the sweep is over.
 */
export async function advanceSweep(context: ControllerContext, book: SweepBook): Promise<boolean> {
  const { record } = book;
  if (book.live > 0) return false;
  if (record.cancelRequest !== undefined) {
    return end(context, book, { state: 'cancelled', reason: REASONS.cancelled(record.cancelRequest.by) });
  }
  if (!book.isRunning || book.missing.length > 0 || record.expanded < book.planned) return false;
  if (record.state === 'search' && record.finalists === undefined) return chooseFinalists(context, book);
  if (book.completedReports === 0) return end(context, book, { state: 'failed', reason: REASONS.allReportFailed });
  return end(context, book, { state: 'completed' });
}

async function chooseFinalists(context: ControllerContext, book: SweepBook): Promise<boolean> {
  const finalists = planFinalists(book.frozen, book.plan, book.endings());
  if (finalists.length === 0) return end(context, book, { state: 'failed', reason: REASONS.nothingCompleted });
  const reportTrials = countReportTrials(book.frozen, finalists.length);
  context.logger.info({ sweep: book.record.sweep, finalists, reportTrials }, 'search ended; retraining the finalists');
  await writeSweep(context, book, { ...book.record, state: 'report', finalists, reportTrials });
  context.wake();
  return false;
}

async function end(
  context: ControllerContext,
  book: SweepBook,
  change: Pick<SweepRecord, 'state' | 'reason'>,
): Promise<boolean> {
  const { counts, reused, record } = book;
  await writeSweep(context, book, {
    ...record,
    ...change,
    finishedAt: isoNow(context),
    tally: { counts: { ...counts }, reused },
  });
  context.logger.info({ sweep: record.sweep, state: change.state, counts, reused }, 'sweep ended');
  return true;
}
