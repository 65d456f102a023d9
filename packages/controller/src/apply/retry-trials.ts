import type { FinalState, SweepRecord, TrialRecord } from '@adctl/protocol';
import { inBatches } from '../batches.js';
import { type ControllerContext, isoNow } from '../context.js';
import { unknownSweep } from '../errors.js';
import { loadSweep, toSweepRecord, toTrialRecord } from '../observe/load-sweeps.js';
import { isOver } from '../plan/is-over.js';
import { REASONS } from '../reasons.js';
import { rewriteTrial, writeSweep } from './write-trial.js';

/** Final trials that get a new generation. */
export interface RetrySelection {
  readonly states: readonly FinalState[];
  /** Only trials whose last failure is of one of these classes. */
  readonly classes?: readonly string[] | undefined;
}

/**
 * Gives final trials a new generation: same trial, new result key, empty story; attempt numbers go on rising, because they
 * fence. The sweep's record is reopened first, so that a crash in between leaves an active sweep whose request can be
 * repeated. Finalists that were chosen stay chosen.
 * @returns how many trials are queued again.
 */
export async function retryTrials(
  context: ControllerContext,
  { sweep, owner }: Pick<SweepRecord, 'sweep' | 'owner'>,
  selection: RetrySelection,
): Promise<number> {
  const all = (await context.trials.entries(sweep)).map((entry) => ({
    record: toTrialRecord(entry),
    revision: entry.revision,
  }));
  const chosen = all.filter(({ record }) => isChosen(record, selection));
  const stored = await context.sweeps.get(sweep);
  if (stored === null) throw unknownSweep(sweep);
  const record = toSweepRecord(stored);
  const unexpanded = record.state === 'cancelled' && record.expanded < record.searchTrials + (record.reportTrials ?? 0);
  if (chosen.length === 0 && !unexpanded) return 0;

  const indices = chosen.map(({ record: final }) => final.index);
  if (indices.length > 0) await context.results.reopen(sweep, indices);
  const book = context.books.get(sweep) ?? (await loadSweep(context, record, stored.revision));
  if (isOver(book.record)) {
    await writeSweep(context, book, {
      ...book.record,
      state: book.record.finalists === undefined ? 'search' : 'report',
      reason: undefined,
      finishedAt: undefined,
      cancelRequest: undefined,
      tally: undefined,
    });
  }
  await inBatches(chosen, async ({ record: final, revision }) => {
    const again = nextGeneration(final, REASONS.retried(owner), isoNow(context));
    book.put(await rewriteTrial(context, again, revision), final.state);
  });
  context.wake();
  return chosen.length;
}

function isChosen({ state, failures }: TrialRecord, { states, classes }: RetrySelection): boolean {
  if (!states.some((chosen) => chosen === state)) return false;
  return classes === undefined || classes.includes(failures.at(-1)?.class ?? '');
}

function nextGeneration(final: TrialRecord, reason: string, now: string): TrialRecord {
  const { version, sweep, trial, index, phase, attempt, generation } = final;
  return {
    version,
    sweep,
    trial,
    index,
    phase,
    state: 'queued',
    reason,
    attempt,
    generation: generation + 1,
    failures: [],
    queuedAt: now,
  };
}
