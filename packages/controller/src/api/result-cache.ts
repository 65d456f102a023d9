import type { LeaderboardResult } from '@adctl/evaluation';
import type { SelectionMetrics, SweepId, TrialRecord, TrialResult } from '@adctl/protocol';
import { readResult } from '@adctl/storage';
import type { ControllerContext } from '../context.js';

/** What is kept of a result: the part a leaderboard reads, and where it was taken over from. */
export type KeptResult = LeaderboardResult & Pick<TrialResult, 'reusedFrom'>;

/** Objects read at once. */
const PARALLEL_READS = 32;

/**
 * Results as leaderboards need them, each object read once and kept small: specs share their hyperparameters and data set with
 * those of the same configuration, failures keep their class only.
 */
export class ResultCache {
  readonly #bySweep = new Map<SweepId, Map<string, KeptResult>>();
  readonly #shared = new Map<string, Pick<LeaderboardResult['spec'], 'hyperparameters' | 'checkpointRule'>>();

  constructor(private readonly context: Pick<ControllerContext, 'objects'>) {}

  /** Results of final trials, in the order of the records; one that cannot be found is left out. */
  async of(sweep: SweepId, records: readonly TrialRecord[]): Promise<KeptResult[]> {
    const kept = this.#keptOf(sweep);
    const missing = records.filter(({ resultKey }) => resultKey !== undefined && !kept.has(resultKey));
    for (let start = 0; start < missing.length; start += PARALLEL_READS) {
      await Promise.all(missing.slice(start, start + PARALLEL_READS).map((record) => this.#read(kept, record)));
    }
    return records.flatMap(({ resultKey }) => {
      const result = resultKey === undefined ? undefined : kept.get(resultKey);
      return result === undefined ? [] : [result];
    });
  }

  /** Selection metrics by result key, of those records that are final. */
  async selectionOf(sweep: SweepId, records: readonly TrialRecord[]): Promise<ReadonlyMap<string, SelectionMetrics>> {
    await this.of(sweep, records);
    const kept = this.#keptOf(sweep);
    const found = new Map<string, SelectionMetrics>();
    for (const { resultKey } of records) {
      const selection = resultKey === undefined ? undefined : kept.get(resultKey)?.selection;
      if (resultKey !== undefined && selection !== undefined) found.set(resultKey, selection);
    }
    return found;
  }

  #keptOf(sweep: SweepId): Map<string, KeptResult> {
    let kept = this.#bySweep.get(sweep);
    if (kept === undefined) {
      kept = new Map();
      this.#bySweep.set(sweep, kept);
    }
    return kept;
  }

  async #read(kept: Map<string, KeptResult>, { resultKey }: TrialRecord): Promise<void> {
    if (resultKey === undefined) return;
    const result = await readResult(this.context.objects, resultKey);
    if (result !== null) kept.set(resultKey, this.#shrink(result));
  }

  #shrink(result: TrialResult): KeptResult {
    const { spec, generation, ending, failures, selection, test, untrained, seconds, endedAt, reusedFrom } = result;
    let shared = this.#shared.get(spec.configuration);
    if (shared === undefined) {
      shared = { hyperparameters: spec.hyperparameters, checkpointRule: spec.checkpointRule };
      this.#shared.set(spec.configuration, shared);
    }
    return {
      spec: { ...spec, ...shared },
      generation,
      ending: { state: ending.state },
      failures: failures.map((failure) => ({ ...failure, failure: { ...failure.failure, details: {} } })),
      selection,
      test,
      untrained,
      seconds,
      endedAt,
      reusedFrom,
    };
  }
}
