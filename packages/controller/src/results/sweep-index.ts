import { type LeaderboardResult, SearchTotaller, type SearchTotals } from '@adctl/evaluation';
import {
  type IndexHead,
  type IndexPart,
  type IndexRow,
  SEGMENT_TRIALS,
  type SweepId,
  segmentOf,
} from '@adctl/protocol';
import { readIndexHead, readIndexPart } from '@adctl/storage';
import { inBatches } from '../batches.js';
import type { ControllerContext } from '../context.js';
import { isShort, toLeaderboardResult } from './index-row.js';
import { readIndexRow } from './read-index-row.js';

/** A final trial whose result has not been looked at. */
export interface FinalTrial {
  readonly index: number;
  readonly resultKey: string;
}

/** Objects read at once. */
const PARALLEL_READS = 32;

/**
 * The results of one sweep as far as leaderboards want them: report trials one by one, search trials added up, and the rows
 * that are in no part yet. Rows of a segment leave memory when its part is written.
 */
export class SweepIndex {
  #parts = new Map<number, IndexPart>();
  /** Rows that are in no part, by trial index. */
  #tail = new Map<number, IndexRow>();
  #unread = new Map<number, FinalTrial>();
  /** Segments whose rows are in the sums below. */
  #counted = new Set<number>();
  #search = new Map<string, SearchTotaller>();
  #report = new Map<number, { readonly row: IndexRow; readonly result: LeaderboardResult }>();
  complete = false;

  constructor(
    private readonly context: Pick<ControllerContext, 'objects'>,
    readonly sweep: SweepId,
    readonly dataset: IndexHead['dataset'],
  ) {}

  /** Reads which parts there are. */
  async open(): Promise<void> {
    const { head } = await readIndexHead(this.context.objects, this.sweep);
    this.complete = head?.complete ?? false;
    for (const part of head?.parts ?? []) this.#parts.set(part.segment, part);
  }

  /** Tells of a trial that ended before; one that a part covers already is left alone. */
  expect(trial: FinalTrial): void {
    if (!this.#parts.has(segmentOf(trial.index)) && !this.#tail.has(trial.index)) this.#unread.set(trial.index, trial);
  }

  /** Takes a result that is at hand. Repeats are harmless. */
  note(row: IndexRow): void {
    if (this.#parts.has(segmentOf(row.index)) || this.#tail.has(row.index)) return;
    this.#unread.delete(row.index);
    this.#tail.set(row.index, row);
    this.#count(row);
  }

  /** Segments that can be written: full ones; every one of them when the sweep is over. */
  due(over: boolean): number[] {
    if (!over && this.#tail.size + this.#unread.size < SEGMENT_TRIALS) return [];
    const known = new Map<number, number>();
    for (const index of [...this.#tail.keys(), ...this.#unread.keys()]) {
      known.set(segmentOf(index), (known.get(segmentOf(index)) ?? 0) + 1);
    }
    return [...known].filter(([, count]) => over || count === SEGMENT_TRIALS).map(([segment]) => segment);
  }

  /** Rows of one segment that are in no part. */
  async rowsOf(segment: number): Promise<IndexRow[]> {
    await this.#readUnread((index) => segmentOf(index) === segment);
    return [...this.#tail.values()].filter(({ index }) => segmentOf(index) === segment);
  }

  /** A part was written and the head names it: its rows leave memory, their sums stay. */
  cover(part: IndexPart): void {
    this.#parts.set(part.segment, part);
    this.#counted.add(part.segment);
    for (const index of this.#tail.keys()) if (segmentOf(index) === part.segment) this.#tail.delete(index);
  }

  /** Everything a leaderboard wants, read as far as it is not in memory. */
  async totals(isIncluded: (sweep: string) => boolean): Promise<{
    readonly report: LeaderboardResult[];
    readonly search: SearchTotals[];
  }> {
    await this.#readUnread(() => true);
    for (const part of this.#parts.values()) {
      if (this.#counted.has(part.segment)) continue;
      const rows = await readIndexPart(this.context.objects, part);
      for (const row of await inBatches(rows, (row) => this.#whole(row))) this.#count(row);
      this.#counted.add(part.segment);
    }
    const isCopy = (origin: string) => origin !== '' && origin !== this.sweep && isIncluded(origin);
    return {
      report: [...this.#report.values()]
        .filter(({ row }) => !isCopy(row.reusedFrom?.sweep ?? ''))
        .map(({ result }) => result),
      search: [...this.#search].flatMap(([origin, totaller]) => (isCopy(origin) ? [] : totaller.totals())),
    };
  }

  /** Rows of some trials, by index; those that have none are left out. */
  async find(indices: readonly number[]): Promise<Map<number, IndexRow>> {
    const wanted = new Set(indices);
    await this.#readUnread((index) => wanted.has(index));
    const found = new Map<number, IndexRow>();
    for (const segment of new Set(indices.map(segmentOf))) {
      const part = this.#parts.get(segment);
      const rows = part === undefined ? this.#tail.values() : await readIndexPart(this.context.objects, part);
      for (const row of rows) if (wanted.has(row.index)) found.set(row.index, row);
    }
    return found;
  }

  async #readUnread(wanted: (index: number) => boolean): Promise<void> {
    const unread = [...this.#unread.values()].filter(({ index }) => wanted(index));
    for (let start = 0; start < unread.length; start += PARALLEL_READS) {
      await Promise.all(unread.slice(start, start + PARALLEL_READS).map((trial) => this.#read(trial)));
    }
  }

  async #read({ index, resultKey }: FinalTrial): Promise<void> {
    const row = await readIndexRow(this.context.objects, resultKey);
    if (row === null) this.#unread.delete(index);
    else this.note(row);
  }

  /** A row with all that its result tells, also where an earlier version indexed it. */
  async #whole(row: IndexRow): Promise<IndexRow> {
    if (!isShort(row)) return row;
    return (await readIndexRow(this.context.objects, row.resultKey)) ?? row;
  }

  #count(row: IndexRow): void {
    const result = toLeaderboardResult(row, this.sweep, this.dataset);
    if (row.phase === 'report') {
      this.#report.set(row.index, { row, result });
      return;
    }
    const origin = row.reusedFrom?.sweep ?? '';
    const totaller = this.#search.get(origin) ?? new SearchTotaller();
    this.#search.set(origin, totaller);
    totaller.add(result);
  }
}
