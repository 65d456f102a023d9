import type { LeaderboardInput, LeaderboardResult, SearchTotals } from '@adctl/evaluation';
import {
  type IndexHead,
  type IndexRow,
  isFinal,
  type Leaderboard,
  type SelectionMetrics,
  type SweepId,
  segmentOf,
  TrialRecord,
  type TrialResult,
  toFailure,
} from '@adctl/protocol';
import { changeIndexHead, deleteOldIndexParts, readIndexHead, writeIndexPart } from '@adctl/storage';
import type { ControllerContext } from '../context.js';
import { isPoison } from '../failure-scope.js';
import type { FrozenSweep } from '../plan/frozen-sweep.js';
import { Serial } from '../serial.js';
import { toIndexRow } from './index-row.js';
import { type FinalTrial, SweepIndex } from './sweep-index.js';

type IndexedSweep = Pick<FrozenSweep, 'id' | 'dataDigest' | 'sweep'>;

/** A sweep of which something cannot be read. */
export type LeftOut = NonNullable<Leaderboard['leftOut']>[number];

/** Sweeps that are over kept in memory for leaderboards. */
const MOST_KEPT = 16;

/**
 * The results of all sweeps for leaderboards and listings: kept up to date as trials end, compacted into parts of 1,000
 * trials, read back from them. Everything here can be deleted and is made again from the results.
 */
export class ResultIndex {
  readonly #sweeps = new Map<SweepId, SweepIndex>();
  /** Reading and compacting go one after the other; noting need not wait. */
  readonly #serial = new Serial();

  constructor(private readonly context: Pick<ControllerContext, 'objects' | 'trials' | 'books' | 'logger'>) {}

  /** Begins to follow an active sweep. @param finals its trials that have ended. */
  async open(frozen: IndexedSweep, finals: Iterable<FinalTrial>): Promise<void> {
    const index = new SweepIndex(this.context, frozen.id, datasetOf(frozen));
    await index.open();
    for (const final of finals) index.expect(final);
    this.#sweeps.set(frozen.id, index);
  }

  /** Takes a result that is at hand, so that nobody need read it again; that of a retried trial is read with those before it. */
  note(result: TrialResult, resultKey: string): void {
    const { sweep, index } = result.spec;
    if (result.generation > 0) this.#sweeps.get(sweep)?.expect({ index, resultKey });
    else this.#sweeps.get(sweep)?.note(toIndexRow(result, resultKey));
  }

  /**
   * What a leaderboard over some sweeps is folded from. A result taken over from a sweep that is here too counts once. A sweep
   * with a result that cannot be read is left out as a whole: without that one its numbers would be others.
   */
  leaderboard(
    sweeps: readonly IndexedSweep[],
  ): Promise<LeaderboardInput & { readonly unreadable: readonly LeftOut[] }> {
    return this.#serial.run(async () => {
      const included = new Set<string>(sweeps.map(({ id }) => id));
      const report: LeaderboardResult[] = [];
      const search: SearchTotals[] = [];
      const unreadable: LeftOut[] = [];
      for (const sweep of sweeps) {
        try {
          const totals = await (await this.#indexOf(sweep)).totals((origin) => included.has(origin));
          report.push(...totals.report);
          search.push(...totals.search);
        } catch (error) {
          if (!isPoison(error)) throw error;
          unreadable.push({ sweep: sweep.id, reason: toFailure(error).message });
        }
      }
      return { report, search, unreadable };
    });
  }

  /** Selection metrics of some final trials, by result key. */
  selectionOf(sweep: IndexedSweep, records: readonly TrialRecord[]): Promise<ReadonlyMap<string, SelectionMetrics>> {
    return this.#serial.run(async () => {
      const indices = records.filter(({ resultKey }) => resultKey !== undefined).map(({ index }) => index);
      if (indices.length === 0) return new Map();
      const rows = await (await this.#indexOf(sweep)).find(indices);
      const withSelection = (row: IndexRow) =>
        row.selection === undefined ? [] : [[row.resultKey, row.selection] as const];
      return new Map([...rows.values()].flatMap(withSelection));
    });
  }

  /**
   * Writes the segments of a sweep that are full; all that is left when it is over.
   * @returns how many parts were written.
   */
  compact(sweep: IndexedSweep, over: boolean): Promise<number> {
    const index = this.#sweeps.get(sweep.id);
    if (!over && (index === undefined || index.due(false).length === 0)) return Promise.resolve(0);
    return this.#serial.run(async () => {
      const whole = await this.#indexOf(sweep);
      if (over && whole.complete) return 0;
      return compactSegments(this.context, whole, over);
    });
  }

  /** Before some trials get a new generation: what their segments' parts say is no longer so. */
  reopen(sweep: SweepId, indices: readonly number[]): Promise<void> {
    return this.#serial.run(async () => {
      const stale = new Set(indices.map(segmentOf));
      this.#sweeps.delete(sweep);
      const { head } = await readIndexHead(this.context.objects, sweep);
      if (head === null) return;
      await changeIndexHead(this.context.objects, sweep, (before) => {
        const { parts, ...rest } = before ?? head;
        return { ...rest, complete: false, parts: parts.filter(({ segment }) => !stale.has(segment)) };
      });
    });
  }

  /** Deletes parts that the head no longer names; between two writes of the index, so none is about to be named. */
  deleteOldParts(sweep: SweepId, options: { readonly before: Date; readonly dryRun: boolean }) {
    return this.#serial.run(() => deleteOldIndexParts(this.context.objects, sweep, options));
  }

  /** Resolves once nothing is being read or written any more. */
  settled(): Promise<void> {
    return this.#serial.run(async () => undefined);
  }

  async #indexOf(sweep: IndexedSweep): Promise<SweepIndex> {
    let index = this.#sweeps.get(sweep.id);
    if (index === undefined) {
      index = new SweepIndex(this.context, sweep.id, datasetOf(sweep));
      await index.open();
      if (!index.complete) for (const final of await finalTrials(this.context, sweep.id)) index.expect(final);
    }
    this.#sweeps.delete(sweep.id);
    this.#sweeps.set(sweep.id, index);
    const past = [...this.#sweeps.keys()].filter((id) => !this.context.books.has(id));
    for (const oldest of past.slice(0, Math.max(0, past.length - MOST_KEPT))) this.#sweeps.delete(oldest);
    return index;
  }
}

async function compactSegments(
  { objects, logger }: Pick<ControllerContext, 'objects' | 'logger'>,
  index: SweepIndex,
  over: boolean,
): Promise<number> {
  const segments = index.due(over);
  for (const segment of segments) {
    const part = await writeIndexPart(objects, index.sweep, segment, await index.rowsOf(segment));
    await changeIndexHead(objects, index.sweep, (before) => ({
      ...(before ?? emptyHead(index)),
      parts: [...(before?.parts ?? []).filter((other) => other.segment !== segment), part],
    }));
    index.cover(part);
  }
  if (over) {
    await changeIndexHead(objects, index.sweep, (before) => ({ ...(before ?? emptyHead(index)), complete: true }));
    index.complete = true;
  }
  if (segments.length > 0) logger.debug({ sweep: index.sweep, segments, over }, 'results indexed');
  return segments.length;
}

function emptyHead({ sweep, dataset }: SweepIndex): IndexHead {
  return { version: 1, sweep, dataset, parts: [], complete: false };
}

function datasetOf({ sweep, dataDigest }: IndexedSweep): IndexHead['dataset'] {
  const { name, protocol, splitSeed } = sweep.dataset;
  return { name, digest: dataDigest, protocol, splitSeed };
}

/** Trials of a sweep that have ended. */
async function finalTrials({ trials }: Pick<ControllerContext, 'trials'>, sweep: SweepId): Promise<FinalTrial[]> {
  return (await trials.entries(sweep)).flatMap(({ value }) => toFinalTrial(TrialRecord.parse(value)));
}

/** What the index must know of a trial that has ended; nothing of one that has not. */
export function toFinalTrial({ state, index, resultKey }: TrialRecord): FinalTrial[] {
  return isFinal(state) && resultKey !== undefined ? [{ index, resultKey }] : [];
}
