import { resolve } from 'node:path';
import { type CheckAgainst, checkSweep } from '@adctl/controller/embedded';
import { findMethod, METHODS } from '@adctl/methods';
import { parseSweep, type Sweep, type SweepDraft, SweepFileError, sharedDigest } from '@adctl/protocol';
import type { PlanAnswer } from '../answers/plan.js';
import { type PastTrial, planMethod } from './plan-method.js';
import type { PlanningDatasets } from './planning-datasets.js';
import type { SweepSource } from './read-source.js';

/** The data set of a sweep as far as planning needs it. */
type Facts = NonNullable<CheckAgainst['dataset']>;

export interface PlanExtras {
  /** Trials that ended where the sweep would run, newest first. */
  readonly past: () => Promise<readonly PastTrial[]>;
  /** Whether a data set without a folder could be used there now. */
  readonly isThere: PlanningDatasets['isThere'];
}

const NOTHING_MORE: PlanExtras = { past: async () => [], isThere: async () => true };

/**
 * Checks a sweep file against the method cards and data sets, and says what it comes to. Nothing is submitted or stored.
 *
 * @param catalog what is known of data sets where the sweep would run
 * @param more what `adctl plan` tells beside, asked only for a file without mistakes; default nothing
 * @throws SweepFileError with every mistake at once, at its line and column or `--set`; AdctlError user for images that are
 *   not there or cannot be used
 */
export async function planSource(
  source: SweepSource,
  catalog: PlanningDatasets,
  more: PlanExtras = NOTHING_MORE,
): Promise<PlanAnswer> {
  const looked = await lookAt(peek(source), source, catalog);
  const { written, file, overrides } = source;
  const against = { cards: METHODS, datasets: catalog.names, protocols: catalog.protocols };
  const sweep = parseSweep(written, { file, overrides, checks: [checkSweep({ ...against, dataset: looked.facts })] });
  if (looked.facts === undefined) throw looked.error;
  const datasetReady = sweep.dataset.root !== undefined || (await more.isThere(sweep.dataset));
  return { ...planSweep(sweep, source, looked.facts, await more.past()), datasetReady };
}

function planSweep(
  sweep: Sweep,
  { file }: SweepSource,
  facts: Facts,
  past: readonly PastTrial[],
): Omit<PlanAnswer, 'datasetReady'> {
  const { dataset, seeds, objective } = sweep;
  const normal = dataset.normal === 'each' ? [...facts.classes] : dataset.normal;
  const input = dataset.image ?? facts.shape;
  const plans = sweep.methods.map((method) =>
    planMethod({ sweep, card: findMethod(method), input, classes: normal.length, past }),
  );
  const search = plans.reduce((sum, { planned }) => sum + planned.searchTrials, 0);
  const report = plans.reduce((sum, { planned }) => sum + planned.reportTrials, 0);
  return {
    file,
    name: sweep.name,
    dataset: dataset.name,
    protocol: dataset.protocol,
    normal,
    input: { ...input },
    preset: sweep.train.preset,
    objective: `${objective.goal} ${objective.metric}`,
    seeds,
    parallel: sweep.limits.parallel,
    methods: plans.map(({ planned }) => planned),
    trials: { search, report, total: search + report },
    warnings: plans.flatMap(({ warnings }) => warnings),
  };
}

/** What can be read of the file whatever its mistakes; they are reported by the second reading, all together. */
function peek({ written, file, overrides }: SweepSource): SweepDraft {
  let seen: SweepDraft = {};
  const keep = (draft: SweepDraft) => {
    seen = draft;
    return [];
  };
  try {
    parseSweep(written, { file, overrides, checks: [keep] });
  } catch (error) {
    if (!(error instanceof SweepFileError)) throw error;
  }
  return seen;
}

/** Fixed data sets are known from their cards, fetched or not; the user's own folders are opened. */
async function lookAt(
  { dataset }: SweepDraft,
  { directory }: SweepSource,
  catalog: PlanningDatasets,
): Promise<{ readonly facts: Facts } | { readonly facts?: undefined; readonly error: unknown }> {
  if (dataset === undefined) return { error: new TypeError('a sweep without a data set was accepted') };
  const known = catalog.known(dataset.name, dataset.protocol);
  if (known !== undefined) return { facts: known };
  const isFolder = dataset.root !== undefined && sharedDigest(dataset.root) === undefined;
  const root = isFolder ? resolve(directory, dataset.root ?? '') : dataset.root;
  try {
    return {
      facts: await catalog.look({ name: dataset.name, protocol: dataset.protocol, root, image: dataset.image }),
    };
  } catch (error) {
    return { error }; // thrown after the file's own mistakes, which come first
  }
}
