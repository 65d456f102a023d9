import {
  type AttemptRecord,
  ConfigurationId,
  digestOf,
  type EngineUse,
  type FinalState,
  SweepId,
  type TestMetrics,
  TrialId,
} from '@adctl/protocol';
import type { LeaderboardResult } from './index.js';

/** What a test cares about in one result; everything else is the same for all. */
export interface ResultFacts {
  readonly sweep?: string;
  readonly method?: string;
  readonly configuration?: string;
  readonly phase?: 'search' | 'report';
  readonly normal?: string;
  readonly seed?: number;
  readonly index?: number;
  readonly dataset?: string;
  readonly protocol?: string;
  readonly auroc?: number;
  readonly state?: LeaderboardResult['ending']['state'];
  readonly generation?: number;
  readonly failures?: AttemptRecord[];
  readonly seconds?: number;
  readonly code?: string;
  readonly engine?: EngineUse;
  readonly earlier?: readonly FinalState[];
  /** Seconds after the first of January at which it ended; by default its generation. */
  readonly endedAt?: number;
}

/** One result; completed when it has an AUROC. */
export function buildResult(facts: ResultFacts): LeaderboardResult {
  const { sweep = 's', method = 'ocgan', configuration = 'c-1', phase = 'report', normal = '8', seed = 1 } = facts;
  const { dataset = 'mnist', protocol = 'one-class', auroc, generation = 0, seconds = 10 } = facts;
  const { index = 0, state = auroc === undefined ? 'failed' : 'completed', failures = [] } = facts;
  const { code = 'code', engine, earlier, endedAt = generation } = facts;
  const name = digestOf([sweep, method, configuration, phase, normal, seed, dataset, protocol]).slice(0, 8);
  return {
    spec: {
      sweep: SweepId.parse(sweep),
      trial: TrialId.parse(`t${String(index).padStart(6, '0')}-${name}`),
      index,
      phase,
      method,
      hyperparameters: { learningRate: Number(configuration.slice(2)) },
      configuration: ConfigurationId.parse(configuration),
      dataset: {
        name: dataset,
        protocol,
        normal,
        splitSeed: 0,
        digest: digestOf(dataset),
      },
      seed,
      codeVersion: digestOf(code),
    },
    generation,
    ending: { state },
    earlier,
    failures,
    selection: auroc === undefined ? undefined : { auroc: auroc - 0.1, loss: 1 },
    test: auroc === undefined ? undefined : testMetrics(auroc),
    untrained: auroc === undefined ? undefined : { auroc: 0.5 },
    spentSeconds: seconds,
    engine,
    endedAt: `2026-01-01T00:00:${String(endedAt).padStart(2, '0')}.000Z`,
  };
}

function testMetrics(auroc: number): TestMetrics {
  return {
    auroc,
    averagePrecision: auroc - 0.05,
    f1Max: 0.9,
    f1MaxThreshold: 1,
    fprAt95Tpr: 1 - auroc,
    aurocImageInterval: [auroc - 0.01, auroc + 0.01],
    normalImages: 100,
    anomalousImages: 900,
  };
}
