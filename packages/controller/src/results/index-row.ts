import type { LeaderboardResult } from '@adctl/evaluation';
import { EngineUse, type IndexHead, type IndexRow, type SweepId, type TrialResult, trainedWith } from '@adctl/protocol';
import { spentSeconds } from './spent-seconds.js';

/** What the index keeps of a generation that was retried. */
export type EarlierGeneration = Pick<TrialResult, 'ending' | 'failures' | 'seconds' | 'startedAt' | 'endedAt'>;

/** What the index keeps of a result. @param earlier results of the trial's earlier generations, in order. */
export function toIndexRow(
  result: TrialResult,
  resultKey: string,
  earlier: readonly EarlierGeneration[] = [],
): IndexRow {
  const { spec, generation, ending, selection, test, pixel, untrained, endedAt, reusedFrom } = result;
  const { backbone, engine, parameters, imagesPerSecond, scoredPerSecond, seconds } = result;
  const { trial, index, phase, method, configuration, hyperparameters, dataset, seed } = spec;
  const generations = [...earlier, result];
  return {
    trial,
    index,
    phase,
    method,
    configuration,
    ...(phase === 'report' ? { hyperparameters } : {}),
    normal: dataset.normal,
    seed,
    codeVersion: trainedWith(result),
    generation,
    resultKey,
    state: ending.state,
    earlier: earlier.map((before) => before.ending.state),
    failures: generations.flatMap(({ failures }) => failures.map((attempt) => attempt.class)),
    selection,
    test,
    pixel,
    untrained,
    parameters,
    imagesPerSecond,
    scoredPerSecond,
    backbone,
    engine: engine && EngineUse.parse(engine),
    seconds,
    spentSeconds: generations.reduce((sum, one) => sum + spentSeconds(one), 0),
    endedAt,
    reusedFrom,
  };
}

/** A row as leaderboards take it. @param dataset of the sweep. */
export function toLeaderboardResult(row: IndexRow, sweep: SweepId, dataset: IndexHead['dataset']): LeaderboardResult {
  const { trial, index, phase, method, configuration, hyperparameters = {}, normal, seed, codeVersion } = row;
  const { generation, state, earlier = [], failures, selection, test, pixel, untrained, endedAt } = row;
  const {
    backbone,
    engine,
    parameters,
    imagesPerSecond,
    scoredPerSecond,
    seconds,
    spentSeconds = seconds?.total ?? 0,
  } = row;
  return {
    spec: {
      sweep,
      trial,
      index,
      phase,
      method,
      hyperparameters,
      configuration,
      seed,
      codeVersion,
      dataset: { ...dataset, normal },
    },
    generation,
    ending: { state },
    earlier,
    failures: failures.map((failureClass) => ({ class: failureClass })),
    selection,
    test,
    pixel,
    untrained,
    parameters,
    imagesPerSecond,
    scoredPerSecond,
    backbone,
    engine,
    spentSeconds,
    endedAt,
  };
}

/** Whether a row of an earlier version leaves out what results can tell: the time of attempts that failed, what was before a retry. */
export function isShort({ spentSeconds, failures, generation, earlier }: IndexRow): boolean {
  return (spentSeconds === undefined && failures.length > 0) || (generation > 0 && earlier === undefined);
}
