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
  const perClass = frozen.seeds.search.length;
  const perConfiguration = classes.length * perClass;
  const positionOf = ({ index }: SearchEnding) => Math.floor(index / perConfiguration);
  const classOf = ({ index }: SearchEnding) => Math.floor(index / perClass) % classes.length;
  const all = [...endings];
  const usable = new Set(all.filter(({ state }) => state !== 'failed').map(classOf));
  const counted = all.filter((ending) => usable.has(classOf(ending)));
  const expected = usable.size * perClass;
  const best = bestPositions(frozen, plan, Map.groupBy(counted, positionOf), expected);
  const outcomes = counted
    .filter((ending) => best.has(positionOf(ending)))
    .map((ending) => toOutcome(ending, plan, objective.metric));
  const ranked: ReadonlyMap<string, readonly RankedConfiguration[]> = rankConfigurations(outcomes, objective, expected);
  return chooseFinalists(ranked, seeds.finalists).map(({ method, configuration, firstIndex, objective: mean }) => ({
    method,
    configuration,
    configurationIndex: Math.floor(firstIndex / perConfiguration),
    objective: mean as number, // a ranked configuration has a mean
  }));
}

/**
 * Positions that finalists can come from: each method's best, until they hold as many different configurations as are wanted.
 * Only these are planned in full. Resolving all of a large sweep at once would hold the controller's loop for seconds, and
 * with it the leadership. A configuration that stands at two positions has the same trials at both, so either will do.
 */
function bestPositions(
  frozen: FrozenSweep,
  plan: TrialPlan,
  byPosition: ReadonlyMap<number, readonly SearchEnding[]>,
  expected: number,
): ReadonlySet<number> {
  const { objective, seeds } = frozen.sweep;
  const sign = objective.goal === 'maximize' ? -1 : 1;
  const complete = [...byPosition].flatMap(([position, endings]) => {
    const values = endings.flatMap(({ state, objective: value }) =>
      state === 'completed' && value !== undefined && Number.isFinite(value) ? [value] : [],
    );
    return values.length < expected
      ? []
      : [{ position, mean: values.reduce((sum, value) => sum + value, 0) / expected }];
  });
  complete.sort((a, b) => sign * (a.mean - b.mean) || a.position - b.position);
  const chosen = new Set<number>();
  const found = new Map<number, Set<string>>(frozen.methods.map((_, method) => [method, new Set()]));
  for (const { position } of complete) {
    const configurations = found.get(methodAt(frozen, position));
    if (configurations === undefined || configurations.size >= seeds.finalists) continue;
    configurations.add(plan.configurationAt(position).configuration);
    chosen.add(position);
  }
  return chosen;
}

/** Which of the sweep's methods a position belongs to. */
function methodAt({ methods }: FrozenSweep, position: number): number {
  let first = 0;
  return methods.findIndex(({ configurations }) => {
    first += configurations;
    return position < first;
  });
}

function everyConfiguration(frozen: FrozenSweep, plan: TrialPlan): PlannedFinalist[] {
  return Array.from({ length: countConfigurations(frozen) }, (_, configurationIndex) => {
    const { method, configuration } = plan.configurationAt(configurationIndex);
    return { method, configuration, configurationIndex, objective: null };
  });
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
