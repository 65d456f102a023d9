import {
  type SweepId,
  type SweepRecord,
  type SweepSummary,
  TRIAL_STATES,
  type TrialRecord,
  toFailure,
} from '@adctl/protocol';
import { inBatches } from '../batches.js';
import type { ControllerContext } from '../context.js';
import { sweepHeld, unknownSweep } from '../errors.js';
import { isPoison } from '../failure-scope.js';
import { readFrozenSweep, sweepRecords, toSweepRecord, toTrialRecord } from '../observe/load-sweeps.js';
import { noCounts } from '../observe/sweep-book.js';
import { type FrozenSweep, normalClasses } from '../plan/frozen-sweep.js';
import { createTrialPlan, type TrialPlan } from '../plan/trial-plan.js';
import type { LeftOut } from '../results/result-index.js';

/** A sweep with its plan, active or over. */
export interface KnownSweep {
  readonly record: SweepRecord;
  readonly frozen: FrozenSweep;
  readonly plan: TrialPlan;
}

/** Sweeps that are over kept ready to be shown. */
const MOST_KEPT = 16;

/** Sweeps as people see them: those in memory, and those that are over, read when asked for. */
export class Archive {
  readonly #past = new Map<SweepId, Omit<KnownSweep, 'record'>>();

  constructor(private readonly context: ControllerContext) {}

  /** Every record, newest first. */
  async records(): Promise<SweepRecord[]> {
    const records = await sweepRecords(this.context);
    return records.sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
  }

  /** @throws AdctlError user `unknown_sweep`, `sweep_held`; permanent `sweep_unreadable`. */
  async find(sweep: SweepId): Promise<KnownSweep> {
    return this.#ofRecord(await this.recordOf(sweep));
  }

  #ofRecord(record: SweepRecord): Promise<KnownSweep> {
    const held = this.context.held.get(record.sweep);
    if (held !== undefined) throw sweepHeld(record.sweep, held.reason);
    return this.#withPlan(record);
  }

  /** All sweeps, newest first, and why some cannot be read. */
  async findAll(): Promise<{ readonly known: readonly KnownSweep[]; readonly leftOut: readonly LeftOut[] }> {
    const leftOut: LeftOut[] = [];
    const found = await inBatches(await this.records(), async (record) => {
      try {
        return [await this.#ofRecord(record)];
      } catch (error) {
        if (!isPoison(error)) throw error;
        leftOut.push({ sweep: record.sweep, reason: toFailure(error).message });
        return [];
      }
    });
    return { known: found.flat(), leftOut };
  }

  /** @throws AdctlError user `unknown_sweep`; permanent `record_unreadable`. */
  async recordOf(sweep: SweepId): Promise<SweepRecord> {
    const book = this.context.books.get(sweep);
    if (book !== undefined) return book.record;
    const entry = await this.context.sweeps.get(sweep);
    if (entry === null) throw unknownSweep(sweep);
    return toSweepRecord(entry);
  }

  /** Records of a sweep's trials so far, by index. */
  async trials(sweep: SweepId): Promise<TrialRecord[]> {
    const entries = await this.context.trials.entries(sweep);
    return entries.map(toTrialRecord).sort((a, b) => a.index - b.index);
  }

  /** A sweep that cannot be read is shown by its record alone, with what stands in the way. */
  async summarize(record: SweepRecord): Promise<SweepSummary> {
    const held = this.context.held.get(record.sweep);
    if (held !== undefined) return unread(record, held.reason);
    try {
      const { frozen } = await this.#withPlan(record);
      const { dataset, methods } = frozen.sweep;
      return {
        ...record,
        methods: [...methods],
        dataset: dataset.name,
        protocol: dataset.protocol,
        normal: [...normalClasses(frozen)],
        class: frozen.class,
        ...(await this.#tally(record)),
      };
    } catch (error) {
      if (!isPoison(error)) throw error;
      return unread(record, toFailure(error).message);
    }
  }

  async #withPlan(record: SweepRecord): Promise<KnownSweep> {
    const book = this.context.books.get(record.sweep);
    if (book !== undefined) return book;
    let known = this.#past.get(record.sweep);
    if (known === undefined) {
      const frozen = await readFrozenSweep(this.context, record);
      known = { frozen, plan: createTrialPlan(frozen, this.context.findCard) };
    }
    this.#past.delete(record.sweep);
    this.#past.set(record.sweep, known);
    for (const oldest of this.#past.keys()) {
      if (this.#past.size <= MOST_KEPT) break;
      this.#past.delete(oldest);
    }
    return { record, ...known };
  }

  async #tally(record: SweepRecord): Promise<Pick<SweepSummary, 'counts' | 'reused'>> {
    const book = this.context.books.get(record.sweep);
    if (book !== undefined) return { counts: { ...book.counts }, reused: book.reused };
    if (record.tally !== undefined) {
      const counts = noCounts();
      for (const state of TRIAL_STATES) counts[state] = record.tally.counts[state] ?? 0;
      return { counts, reused: record.tally.reused };
    }
    const counts = noCounts();
    let reused = 0;
    for (const trial of await this.trials(record.sweep)) {
      counts[trial.state] += 1;
      if (trial.reusedFrom !== undefined) reused += 1;
    }
    return { counts, reused };
  }
}

function unread(record: SweepRecord, problem: string): SweepSummary {
  const nothing = { methods: [], dataset: '?', protocol: '?', normal: [], counts: noCounts(), reused: 0 };
  return { ...record, ...nothing, problem };
}
