import type { FinalState, SearchOutcome, SelectionMetrics } from '@adctl/protocol';
import { chooseFinalists, type RankedConfiguration, rankConfigurations } from '@adctl/search';
import { countConfigurations, type FrozenSweep, normalClasses } from './frozen-sweep.js';
import type { TrialPlan } from './trial-plan.js';

/** How a search trial ended, by index; everything ranking may know. */
export interface SearchEnding {
  readonly index: number;
  readonly state: FinalState;
  /** Value of the sweep's objective; undefined when it did not complete. */
  readonly objective: number | undefined;
}

export interface PlannedFinalist {
  readonly method: string;
  readonly configuration: string;
  readonly configurationIndex: number;
  /** Null where nothing was ranked: a sweep without search seeds reports every configuration. */
  readonly objective: number | null;
}

/**
 * Ranks the configurations of a finished search and chooses each method's finalists. Pure; sees no test metric.
 *
 * A class whose search trials failed for every configuration of every method is left out of the ranking: its images are at fault,
 * and a mean without it is the same mean for all. Its report trials run and say why they fail; the other classes get theirs.
 */
export function planFinalists(
  frozen: FrozenSweep,
  plan: TrialPlan,
  endings: Iterable<SearchEnding>,
): PlannedFinalist[] {
  const { objective, seeds } = frozen.sweep;
  if (frozen.seeds.search.length === 0) return everyConfiguration(frozen, plan);
  const classes = normalClasses(frozen);
  const perConfiguration = classes.length * frozen.seeds.search.length;
  const outcomes: SearchOutcome[] = [];
  for (const ending of endings) outcomes.push(toOutcome(ending, plan, objective.metric));
  const usable = classesThatWork(outcomes);
  const ranked: ReadonlyMap<string, readonly RankedConfiguration[]> = rankConfigurations(
    outcomes.filter(({ spec }) => usable.has(spec.dataset.normal)),
    objective,
    usable.size * frozen.seeds.search.length,
  );
  return chooseFinalists(ranked, seeds.finalists).map(({ method, configuration, firstIndex, objective: mean }) => ({
    method,
    configuration,
    configurationIndex: Math.floor(firstIndex / perConfiguration),
    objective: mean as number, // a ranked configuration has a mean
  }));
}

function everyConfiguration(frozen: FrozenSweep, plan: TrialPlan): PlannedFinalist[] {
  return Array.from({ length: countConfigurations(frozen) }, (_, configurationIndex) => {
    const { method, configuration } = plan.configurationAt(configurationIndex);
    return { method, configuration, configurationIndex, objective: null };
  });
}

/** Classes with a search trial that ended in any other way than a failure. */
function classesThatWork(outcomes: readonly SearchOutcome[]): ReadonlySet<string> {
  const working = outcomes.filter(({ ending }) => ending.state !== 'failed');
  return new Set(working.map(({ spec }) => spec.dataset.normal));
}

/** Records keep the objective alone; the other selection metric is not known here and nothing ranks by it. */
function toOutcome(ending: SearchEnding, plan: TrialPlan, metric: 'selection.auroc' | 'selection.loss'): SearchOutcome {
  const { index, state, objective } = ending;
  const unknown = Number.NaN;
  const selection: SelectionMetrics | undefined =
    objective === undefined
      ? undefined
      : metric === 'selection.auroc'
        ? { auroc: objective, loss: unknown }
        : { auroc: unknown, loss: objective };
  return { spec: plan.at(index), ending: { state }, selection };
}
