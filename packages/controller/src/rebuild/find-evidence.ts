import {
  artifactsPrefix,
  attemptsPrefix,
  resultsPrefix,
  type SweepId,
  sweepCheckpointsPrefix,
  TrialId,
} from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';

/** What the object store's keys say of one trial. */
export interface TrialEvidence {
  readonly trial: TrialId;
  /** Position in the sweep, from the trial's id. */
  readonly index: number;
  /** The highest attempt that left anything behind; 0 for none. */
  attempt: number;
  /** The result of the highest generation that has one. */
  result: { readonly generation: number; readonly key: string } | undefined;
  /** Records of failed attempts. */
  readonly attempts: { readonly generation: number; readonly attempt: number; readonly key: string }[];
}

/** Lists everything a sweep's trials left in the object store: results, failed attempts, checkpoints, artifacts. */
export async function findEvidence(objects: ObjectStore, sweep: SweepId): Promise<TrialEvidence[]> {
  const found = new Map<string, TrialEvidence>();
  const of = (id: string): TrialEvidence | undefined => {
    const known = found.get(id);
    const trial = TrialId.safeParse(id);
    if (known !== undefined || !trial.success) return known;
    const evidence = { trial: trial.data, index: indexOf(id), attempt: 0, result: undefined, attempts: [] };
    found.set(id, evidence);
    return evidence;
  };
  for await (const [key, [, id = '', generation = '0']] of matches(objects, resultsPrefix(sweep), RESULT)) {
    const evidence = of(id);
    if (evidence === undefined || Number(generation) < (evidence.result?.generation ?? 0)) continue;
    evidence.result = { generation: Number(generation), key };
  }
  for await (const [key, [, id = '', generation, attempt]] of matches(objects, attemptsPrefix(sweep), ATTEMPT)) {
    const evidence = of(id);
    evidence?.attempts.push({ generation: Number(generation), attempt: Number(attempt), key });
    if (evidence !== undefined) evidence.attempt = Math.max(evidence.attempt, Number(attempt));
  }
  for (const prefix of [sweepCheckpointsPrefix(sweep), artifactsPrefix(sweep)]) {
    for await (const [, [, id = '', attempt]] of matches(objects, prefix, OF_ATTEMPT)) {
      const evidence = of(id);
      if (evidence !== undefined) evidence.attempt = Math.max(evidence.attempt, Number(attempt));
    }
  }
  return [...found.values()].sort((a, b) => a.index - b.index);
}

/** Keys below the prefixes, as the builders in protocol make them. */
const RESULT = /^\d+\/([^/.]+)(?:\.g(\d+))?\.json$/;
const ATTEMPT = /^([^/]+)\/g(\d+)-a(\d+)\.json$/;
const OF_ATTEMPT = /^([^/]+)\/a(\d+)\//;

async function* matches(
  objects: ObjectStore,
  prefix: string,
  pattern: RegExp,
): AsyncGenerator<readonly [key: string, match: RegExpExecArray]> {
  for await (const { key } of objects.list(prefix)) {
    const match = pattern.exec(key.slice(prefix.length));
    if (match !== null) yield [key, match];
  }
}

function indexOf(trial: string): number {
  return Number(/^t(\d+)-/.exec(trial)?.[1] ?? Number.NaN);
}
