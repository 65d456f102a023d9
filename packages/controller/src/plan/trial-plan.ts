import { type MethodCard, resolveHyperparameters } from '@adctl/methods';
import {
  type CheckpointRule,
  ConfigurationId,
  digestOf,
  resolveCheckpointRule,
  type Sha256,
  sha256,
  type TrialDataset,
  type TrialId,
  type TrialPhase,
  type TrialSpec,
  toCanonicalJson,
} from '@adctl/protocol';
import { createSearch } from '@adctl/search';
import { countConfigurations, countSearchTrials, type FrozenSweep, normalClasses } from './frozen-sweep.js';

/** Every trial of a frozen sweep by index, made when asked for: a grid of ten million points costs nothing before. */
export interface TrialPlan {
  readonly searchTrials: number;
  /**
   * The trial at an index: search trials first (configuration, then class, then search seed varies fastest), then report
   * trials (finalist, class, report seed). A pure function of the frozen sweep, the finalists and the method cards.
   * @param finalists positions of the chosen configurations; only needed above the search trials.
   * @throws RangeError for an index outside the sweep.
   */
  at(index: number, finalists?: readonly number[]): TrialSpec;
  /** The configuration at a position of the enumeration over all methods. */
  configurationAt(position: number): PlannedConfiguration;
}

/** One method with one choice of hyperparameters. */
export interface PlannedConfiguration {
  readonly method: string;
  readonly codeVersion: Sha256;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  readonly checkpointRule: CheckpointRule;
  readonly configuration: ConfigurationId;
}

/** Finds a method's card. @throws AdctlError user `unknown_method`. */
export type FindCard = (method: string) => MethodCard;

/** Specs kept, about a kilobyte each: a trial's is asked for when it is dispatched and again when it has ended. */
const RECENT = 1024;

/** @throws AdctlError user as `createSearch` does, or for a method without a card. */
export function createTrialPlan(frozen: FrozenSweep, findCard: FindCard): TrialPlan {
  const { sweep } = frozen;
  const classes = normalClasses(frozen);
  const searchTrials = countSearchTrials(frozen);
  const configurations = countConfigurations(frozen);
  const searches = frozen.methods.map(({ method }) => createSearch(sweep.search, method));
  const datasets = classes.map((normal) => toTrialDataset(frozen, normal));
  let latest: { readonly position: number; readonly value: PlannedConfiguration } | undefined;
  const recent = new Map<number, { readonly position: number; readonly spec: TrialSpec }>();

  const configurationAt = (position: number): PlannedConfiguration => {
    if (latest?.position === position) return latest.value;
    let local = position;
    const m = frozen.methods.findIndex((method) => {
      if (local < method.configurations) return true;
      local -= method.configurations;
      return false;
    });
    const method = frozen.methods[m];
    const point = searches[m]?.at(local);
    if (method === undefined || point === undefined) {
      throw new RangeError(`configuration ${position} is not one of the ${configurations} of ${frozen.id}`);
    }
    const value = planConfiguration(frozen, method, { ...point }, findCard(method.method));
    latest = { position, value };
    return value;
  };

  return {
    searchTrials,
    configurationAt,
    at(index, finalists = []) {
      const phase: TrialPhase = index < searchTrials ? 'search' : 'report';
      const seeds = frozen.seeds[phase];
      const within = phase === 'search' ? index : index - searchTrials;
      const group = Math.floor(within / seeds.length);
      const place = Math.floor(group / classes.length);
      const position = phase === 'search' ? place : finalists[place];
      const seed = seeds[within % seeds.length];
      const dataset = datasets[group % classes.length];
      if (!Number.isInteger(index) || index < 0 || position === undefined || seed === undefined || !dataset) {
        throw new RangeError(`trial ${index} is not planned in ${frozen.id}`);
      }
      const known = recent.get(index);
      if (known?.position === position) return known.spec;
      const spec = toSpec({ frozen, index, phase, configuration: configurationAt(position), dataset, seed });
      recent.set(index, { position, spec });
      const [oldest] = recent.keys();
      if (recent.size > RECENT && oldest !== undefined) recent.delete(oldest);
      return spec;
    },
  };
}

function planConfiguration(
  frozen: FrozenSweep,
  { method, codeVersion }: FrozenSweep['methods'][number],
  point: Readonly<Record<string, unknown>>,
  card: MethodCard,
): PlannedConfiguration {
  const { sweep } = frozen;
  const resolved = resolveHyperparameters(card, {
    preset: sweep.train.preset,
    input: inputOf(frozen),
    overrides: { ...sweep.train.hyperparameters[method], ...point },
  });
  // What the card refuses was refused at intake as far as it was looked at; the rest ends as infeasible on the worker.
  const hyperparameters =
    resolved.hyperparameters ?? card.hyperparameters.parse(mergeUnchecked(frozen, method, point, card));
  const checkpointRule = resolveCheckpointRule(sweep.train.checkpoint, card.checkpointRule(hyperparameters));
  const { normal: _normal, ...data } = toTrialDataset(frozen, '');
  const digest = digestOf({ method, hyperparameters, data: withoutRoot(data), checkpointRule });
  return {
    method,
    codeVersion,
    hyperparameters: { ...hyperparameters },
    checkpointRule,
    configuration: ConfigurationId.parse(`c-${digest.slice(0, 12)}`),
  };
}

function mergeUnchecked(
  frozen: FrozenSweep,
  method: string,
  point: Readonly<Record<string, unknown>>,
  card: MethodCard,
): Record<string, unknown> {
  const { train } = frozen.sweep;
  return { ...card.presets[train.preset](inputOf(frozen)), ...train.hyperparameters[method], ...point };
}

function toSpec(parts: {
  readonly frozen: FrozenSweep;
  readonly index: number;
  readonly phase: TrialPhase;
  readonly configuration: PlannedConfiguration;
  readonly dataset: TrialDataset;
  readonly seed: number;
}): TrialSpec {
  const { frozen, index, phase, configuration: planned, dataset, seed } = parts;
  const { method, codeVersion, hyperparameters, checkpointRule, configuration } = planned;
  const identity = sha256(
    toCanonicalJson({ method, codeVersion, hyperparameters, dataset: withoutRoot(dataset), seed, checkpointRule }),
  );
  return {
    version: 1,
    sweep: frozen.id,
    trial: `t${String(index).padStart(6, '0')}-${identity.slice(0, 8)}` as TrialId,
    index,
    phase,
    method,
    hyperparameters,
    configuration,
    dataset,
    seed,
    checkpointRule,
    timeoutMs: frozen.sweep.limits.trialTimeoutMs,
    codeVersion,
    identity,
  };
}

function toTrialDataset(frozen: FrozenSweep, normal: string): TrialDataset {
  const { name, root, protocol, splitSeed, holdout } = frozen.sweep.dataset;
  return {
    name,
    ...(root === undefined ? {} : { root }),
    protocol,
    normal,
    splitSeed,
    selectionFraction: holdout.selection,
    calibrationFraction: holdout.calibration,
    digest: frozen.dataDigest,
    input: inputOf(frozen),
  };
}

function inputOf(frozen: FrozenSweep): TrialDataset['input'] {
  const { image } = frozen.sweep.dataset;
  if (image === undefined) throw new TypeError(`frozen sweep ${frozen.id} has no image size`);
  return image;
}

/** Where a copy of the data lies decides no number: its digest does. */
function withoutRoot<T extends { readonly root?: string | undefined }>({ root: _root, ...rest }: T): Omit<T, 'root'> {
  return rest;
}
