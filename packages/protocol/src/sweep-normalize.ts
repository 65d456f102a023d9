import { toCheckpointChoice } from './checkpoint-choice.js';
import { toMilliseconds } from './duration.js';
import type { MethodSpace } from './search-space.js';
import type { SeveralMethodsFile, SingleMethodFile, Sweep } from './sweep.js';
import type { SweepPath } from './sweep-issue.js';

/** Sections of a file that parsed; a file in the short form has `method`, in the long one `methods`. */
export type FileSections = Partial<SingleMethodFile> | Partial<SeveralMethodsFile>;

/** A sweep of which some sections may be missing because they could not be read. */
export type SweepDraft = Partial<Sweep>;

/** Brings both written forms into one. Sections that are missing stay missing. */
export function toSweepDraft(sections: FileSections): SweepDraft {
  const several = 'methods' in sections;
  const named = several ? sections.methods : 'method' in sections && sections.method ? [sections.method] : undefined;
  const methods = named === undefined ? undefined : [...new Set(named)];
  const { dataset, search, train, objective, limits } = sections;
  /** The block of one method, where `methods` asks for blocks. */
  const block = <B>(written: unknown, method: string, otherwise: B): B =>
    several ? ((written as Record<string, B>)[method] ?? otherwise) : (written as B);
  const byMethod = <B>(make: (method: string) => B): Record<string, B> =>
    Object.fromEntries((methods ?? []).map((method) => [method, make(method)]));

  const draft: SweepDraft = {
    apiVersion: sections.apiVersion,
    kind: sections.kind,
    name: sections.name,
    methods,
    dataset: dataset && {
      ...dataset,
      normal: dataset.normal === 'each' ? 'each' : [...new Set(dataset.normal)],
    },
    search: search && {
      algorithm: search.algorithm,
      samples: search.algorithm === 'random' ? search.samples : undefined,
      seed: search.seed,
      spaces: byMethod((method) => ({
        space: block<MethodSpace['space']>(search.space, method, {}),
        zip: block<string[][]>(search.zip, method, []),
        exclude: block<MethodSpace['exclude'][number][]>(search.exclude, method, []),
      })),
    },
    train: train && {
      preset: train.preset,
      hyperparameters: byMethod((method) =>
        block<Sweep['train']['hyperparameters'][string]>(train.hyperparameters, method, {}),
      ),
      checkpoint: train.checkpoint === undefined ? undefined : toCheckpointChoice(train.checkpoint),
    },
    seeds: sections.seeds,
    objective: objective && {
      metric: objective.metric,
      goal: objective.goal ?? (objective.metric === 'selection.loss' ? 'minimize' : 'maximize'),
    },
    resources: sections.resources,
    limits: limits && {
      maxTrials: limits.maxTrials,
      parallel: limits.parallel,
      trialTimeoutMs: toMilliseconds(limits.trialTimeout),
      maxAttempts: limits.maxAttempts,
    },
  };
  return withoutUndefined(draft);
}

/**
 * Where a path inside a `Sweep` stands in the file it came from.
 * @param several whether the file has `methods`, and so one block per method.
 */
export function toFilePath(path: SweepPath, several: boolean): SweepPath {
  const [first, second, method, part, ...rest] = path;
  if (first === 'methods' && !several) return ['method'];
  if (first === 'search' && second === 'spaces') {
    if (part === undefined) return ['search', 'space', ...(several && method !== undefined ? [method] : [])];
    return ['search', part, ...(several && method !== undefined ? [method] : []), ...rest];
  }
  if (first === 'train' && second === 'hyperparameters' && method !== undefined) {
    const inner = part === undefined ? rest : [part, ...rest];
    return ['train', 'hyperparameters', ...(several ? [method] : []), ...inner];
  }
  if (first === 'limits' && second === 'trialTimeoutMs') return ['limits', 'trialTimeout'];
  return path;
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [
        key,
        member !== null && typeof member === 'object' && !Array.isArray(member) ? withoutUndefined(member) : member,
      ]),
  ) as T;
}
