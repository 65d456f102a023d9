import { type SweepId, SweepRecord, type SweepSummary, TRIAL_STATES, TrialRecord } from '@adctl/protocol';
import type { ControllerContext } from '../context.js';
import { unknownSweep } from '../errors.js';
import { readFrozenSweep } from '../observe/load-sweeps.js';
import { noCounts } from '../observe/sweep-book.js';
import { type FrozenSweep, normalClasses } from '../plan/frozen-sweep.js';
import { createTrialPlan, type TrialPlan } from '../plan/trial-plan.js';

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
    const records = (await this.context.sweeps.entries()).map(({ value }) => SweepRecord.parse(value));
    return records.sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
  }

  /** @throws AdctlError user `unknown_sweep`. */
  async find(sweep: SweepId): Promise<KnownSweep> {
    const book = this.context.books.get(sweep);
    if (book !== undefined) return book;
    const entry = await this.context.sweeps.get(sweep);
    if (entry === null) throw unknownSweep(sweep);
    return this.#withPlan(SweepRecord.parse(entry.value));
  }

  /** Records of a sweep's trials so far, by index. */
  async trials(sweep: SweepId): Promise<TrialRecord[]> {
    const entries = await this.context.trials.entries(sweep);
    return entries.map(({ value }) => TrialRecord.parse(value)).sort((a, b) => a.index - b.index);
  }

  async summarize(record: SweepRecord): Promise<SweepSummary> {
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
