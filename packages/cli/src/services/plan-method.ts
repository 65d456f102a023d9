import { type MethodCard, resolveHyperparameters, summarizeNetwork } from '@adctl/methods';
import type { Sweep } from '@adctl/protocol';
import { createSearch } from '@adctl/search';
import type { InputShape } from '../answers/methods.js';
import type { PlannedMethod } from '../answers/plan.js';

/** Configurations looked at one by one; a larger grid is counted, not walked. */
const MOST_LOOKED_AT = 1000;

/** A trial that ended in this folder: how long it took, with which hyperparameters. */
export interface PastTrial {
  readonly trial: string;
  readonly method: string;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  readonly seconds: number;
}

export interface MethodPlan {
  readonly planned: PlannedMethod;
  readonly warnings: readonly string[];
}

/**
 * What one method of a checked sweep comes to. Pure.
 *
 * @param classes number of normal classes
 * @param past trials of this folder that ended, newest first
 */
export function planMethod(options: {
  readonly sweep: Sweep;
  readonly card: MethodCard;
  readonly input: InputShape;
  readonly classes: number;
  readonly past: readonly PastTrial[];
}): MethodPlan {
  const { sweep, card, input, classes } = options;
  const search = createSearch(sweep.search, card.name);
  const warnings = new Set<string>();
  const values = new Map<string, Set<string>>();
  const epochs: number[] = [];
  const parameters: number[] = [];
  let seconds = 0;
  let basedOn: string | undefined;
  let allEstimated = true;
  const past = measurePast(options.past, card, input);
  const lookedAt = Math.min(search.size, MOST_LOOKED_AT);
  for (let index = 0; index < lookedAt; index++) {
    const point = search.at(index);
    for (const [name, value] of Object.entries(point)) {
      values.set(name, (values.get(name) ?? new Set()).add(JSON.stringify(value)));
    }
    const overrides = { ...sweep.train.hyperparameters[card.name], ...point };
    const resolved = resolveHyperparameters(card, { preset: sweep.train.preset, input, overrides });
    if (resolved.hyperparameters === undefined) continue;
    for (const warning of resolved.warnings) warnings.add(`${card.name}: ${warning}`);
    epochs.push(resolved.hyperparameters.epochs);
    const size = countParameters(card, resolved.hyperparameters, input);
    parameters.push(size);
    const like = past.get(size);
    if (like === undefined) allEstimated = false;
    else {
      seconds += like.secondsPerEpoch * resolved.hyperparameters.epochs;
      basedOn ??= like.trial;
    }
  }
  const finalists = Math.min(sweep.seeds.finalists, search.size);
  const searchTrials = search.size * classes * sweep.seeds.search;
  const reportTrials = finalists * classes * sweep.seeds.report;
  const perTrial = seconds / lookedAt;
  return {
    planned: {
      method: card.name,
      configurations: search.size,
      varies: Object.fromEntries([...values].filter(([, set]) => set.size > 1).map(([name, set]) => [name, set.size])),
      epochs: rangeOf(epochs),
      parameters: rangeOf(parameters),
      searchTrials,
      reportTrials,
      estimate:
        basedOn === undefined || !allEstimated ? null : { seconds: perTrial * (searchTrials + reportTrials), basedOn },
    },
    warnings: [...warnings],
  };
}

/** Seconds an epoch took, by the size of the networks: with equal networks time goes with the epochs. The newest counts. */
function measurePast(
  past: readonly PastTrial[],
  card: MethodCard,
  input: InputShape,
): Map<number, { readonly trial: string; readonly secondsPerEpoch: number }> {
  const bySize = new Map<number, { readonly trial: string; readonly secondsPerEpoch: number }>();
  for (const { trial, method, hyperparameters, seconds } of past) {
    if (method !== card.name) continue;
    const parsed = card.hyperparameters.safeParse(hyperparameters);
    if (!parsed.success) continue;
    const size = countParameters(card, parsed.data, input);
    if (!bySize.has(size)) bySize.set(size, { trial, secondsPerEpoch: seconds / parsed.data.epochs });
  }
  return bySize;
}

function countParameters(
  card: MethodCard,
  hyperparameters: Parameters<MethodCard['networks']>[0],
  input: InputShape,
): number {
  return card.networks(hyperparameters, input).reduce((sum, plan) => sum + summarizeNetwork(plan).trainable, 0);
}

function rangeOf(numbers: readonly number[]): { least: number; most: number } {
  return { least: Math.min(...numbers), most: Math.max(...numbers) };
}
