import type { FinalState, SearchOutcome, SelectionMetrics } from '@adctl/protocol';
import { chooseFinalists, type RankedConfiguration, rankConfigurations } from '@adctl/search';
import { type FrozenSweep, normalClasses } from './frozen-sweep.js';
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
  readonly objective: number;
}

/** Ranks the configurations of a finished search and chooses each method's finalists. Pure; sees no test metric. */
export function planFinalists(
  frozen: FrozenSweep,
  plan: TrialPlan,
  endings: Iterable<SearchEnding>,
): PlannedFinalist[] {
  const { objective, seeds } = frozen.sweep;
  const perConfiguration = normalClasses(frozen).length * frozen.seeds.search.length;
  const outcomes: SearchOutcome[] = [];
  for (const ending of endings) outcomes.push(toOutcome(ending, plan, objective.metric));
  const ranked: ReadonlyMap<string, readonly RankedConfiguration[]> = rankConfigurations(
    outcomes,
    objective,
    perConfiguration,
  );
  return chooseFinalists(ranked, seeds.finalists).map(({ method, configuration, firstIndex, objective: mean }) => ({
    method,
    configuration,
    configurationIndex: Math.floor(firstIndex / perConfiguration),
    objective: mean as number, // a ranked configuration has a mean
  }));
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
