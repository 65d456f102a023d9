import type { ConfigurationId, Objective, SearchOutcome } from '@adctl/protocol';

/** One configuration of a method with what its search trials said. */
export interface RankedConfiguration {
  readonly method: string;
  readonly configuration: ConfigurationId;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** From 1; undefined when a trial is missing or did not complete: such a configuration is shown, never chosen. */
  readonly rank: number | undefined;
  /** Mean over all classes and search seeds that completed; undefined when none did. */
  readonly objective: number | undefined;
  readonly completed: number;
  readonly expected: number;
  /** Trials that ended otherwise, by state; `missing` counts those without an end, `undefined-objective` completed ones without a finite value. */
  readonly shortfall: Readonly<Record<string, number>>;
  /** Smallest trial index: its place in the sweep's enumeration. */
  readonly firstIndex: number;
}

/**
 * Ranks the configurations of each method by the mean objective over all classes and search seeds. It sees
 * `SearchOutcome` only, which holds nothing computed from test images.
 *
 * A configuration with fewer than `expectedTrials` completed trials has no rank, for a mean without the class it fails
 * on is not comparable; these follow the ranked ones. Equal means keep the order of the sweep.
 *
 * @param outcomes final search trials in any order; report trials are ignored, a repeated trial counts once (the last).
 * @param expectedTrials classes x search seeds.
 * @returns by method, in the sweep's order.
 */
export function rankConfigurations(
  outcomes: readonly SearchOutcome[],
  objective: Objective,
  expectedTrials: number,
): Map<string, RankedConfiguration[]> {
  const last = new Map(
    outcomes.filter(({ spec }) => spec.phase === 'search').map((outcome) => [outcome.spec.trial, outcome]),
  );
  // A fixed order of addition, so that the order of arrival cannot move a mean by a rounding error.
  const inOrder = [...last.values()].sort((a, b) => a.spec.index - b.spec.index);
  const byConfiguration = Map.groupBy(inOrder, ({ spec }) => `${spec.method} ${spec.configuration}`);
  const sign = objective.goal === 'maximize' ? -1 : 1;
  const summaries = [...byConfiguration.values()].map((group) => summarize(group, objective, expectedTrials));
  const ranked = Map.groupBy(summaries, ({ method }) => method);
  for (const [method, configurations] of ranked) {
    const complete = configurations.filter(({ completed }) => completed >= expectedTrials);
    complete.sort((a, b) => sign * ((a.objective as number) - (b.objective as number)) || a.firstIndex - b.firstIndex);
    const incomplete = configurations.filter(({ completed }) => completed < expectedTrials);
    incomplete.sort((a, b) => b.completed - a.completed || a.firstIndex - b.firstIndex);
    ranked.set(method, [...complete.map((one, i) => ({ ...one, rank: i + 1 })), ...incomplete]);
  }
  return ranked;
}

function summarize(group: readonly SearchOutcome[], objective: Objective, expected: number): RankedConfiguration {
  const { method, configuration, hyperparameters, index } = (group[0] as SearchOutcome).spec;
  const values: number[] = [];
  const shortfall: Record<string, number> = {};
  for (const { ending, selection } of group) {
    const value = objective.metric === 'selection.auroc' ? selection?.auroc : selection?.loss;
    if (ending.state === 'completed' && value !== undefined && Number.isFinite(value)) values.push(value);
    else {
      const why = ending.state === 'completed' ? 'undefined-objective' : ending.state;
      shortfall[why] = (shortfall[why] ?? 0) + 1;
    }
  }
  if (group.length < expected) shortfall.missing = expected - group.length;
  return {
    method,
    configuration,
    hyperparameters,
    rank: undefined,
    objective: values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length,
    completed: values.length,
    expected,
    shortfall,
    firstIndex: index,
  };
}

/**
 * The best configurations of each method, which are retrained with the report seeds.
 * @param count configurations a method, at least 1; a method with fewer complete ones gives fewer, possibly none.
 */
export function chooseFinalists(
  ranked: ReadonlyMap<string, readonly RankedConfiguration[]>,
  count: number,
): RankedConfiguration[] {
  return [...ranked.values()].flatMap((configurations) =>
    configurations.filter(({ rank }) => rank !== undefined && rank <= count),
  );
}
