import { type ImageShape, type MethodCard, resolveHyperparameters } from '@adctl/methods';
import type { SweepDraft } from '@adctl/protocol';
import {
  didYouMean,
  type PlaceOf,
  type SpaceLeaf,
  type SweepCheck,
  type SweepIssue,
  type SweepPath,
  spaceLeaves,
} from '@adctl/protocol';
import { createSearch } from '@adctl/search';
import type { DatasetFacts } from './freeze-sweep.js';

/** What a sweep file is checked against. */
export interface CheckAgainst {
  readonly cards: readonly MethodCard[];
  /** Names of all data sets and protocols. */
  readonly datasets: readonly string[];
  readonly protocols: readonly string[];
  /** The sweep's own data set, as far as it is known: from its card, or opened. */
  readonly dataset?: Omit<DatasetFacts, 'digest'> | undefined;
}

/** Names and single values are right or wrong for images of any size: they are checked even if the data set is unknown. */
const STAND_IN: ImageShape = { height: 32, width: 32, channels: 1 };

/** Configurations tried out on the card before a sweep is accepted; what it refuses beyond ends as infeasible. */
const MOST_TRIED = 256;

/**
 * Checks that need more than the file: names of methods, data sets, protocols and classes, hyperparameters and their
 * values, image size, number of trials. For `parseSweep`'s `checks`, so that every mistake comes out at once.
 */
export function checkSweep(against: CheckAgainst): SweepCheck {
  return (draft, at) => [
    ...checkMethods(draft, at, against),
    ...checkDataset(draft, at, against),
    ...checkHyperparameters(draft, at, against),
    ...checkSeeds(draft, at),
    ...checkSize(draft, at, against),
  ];
}

function* checkMethods(draft: SweepDraft, at: PlaceOf, { cards }: CheckAgainst): Generator<SweepIssue> {
  const known = cards.map(({ name }) => name);
  for (const [i, method] of (draft.methods ?? []).entries()) {
    if (!known.includes(method)) yield unknown(at(['methods', i]), 'method', method, known);
  }
}

function* checkDataset(draft: SweepDraft, at: PlaceOf, against: CheckAgainst): Generator<SweepIssue> {
  const { dataset } = draft;
  if (dataset === undefined) return;
  if (!against.datasets.includes(dataset.name)) {
    yield unknown(at(['dataset', 'name']), 'data set', dataset.name, against.datasets);
  }
  if (!against.protocols.includes(dataset.protocol)) {
    yield unknown(at(['dataset', 'protocol']), 'protocol', dataset.protocol, against.protocols);
  }
  if (against.dataset === undefined) return;
  const { protocols } = against.dataset;
  if (against.protocols.includes(dataset.protocol) && !protocols.includes(dataset.protocol)) {
    yield {
      ...at(['dataset', 'protocol']),
      code: 'refused_value',
      message: `${dataset.protocol} cannot split ${dataset.name}`,
      suggestion: `use ${protocols.join(' or ')}`,
    };
    return; // the classes are those of another protocol
  }
  if (dataset.normal === 'each') return;
  for (const [i, normal] of dataset.normal.entries()) {
    if (against.dataset.classes.includes(normal)) continue;
    yield unknown(at(['dataset', 'normal', i]), `class of ${dataset.name}`, normal, against.dataset.classes);
  }
}

function* checkHyperparameters(draft: SweepDraft, at: PlaceOf, against: CheckAgainst): Generator<SweepIssue> {
  const input = draft.dataset?.image ?? against.dataset?.shape;
  for (const method of draft.methods ?? []) {
    const card = against.cards.find(({ name }) => name === method);
    if (card === undefined) continue;
    const single = [
      ...checkFixed(draft, at, card, input ?? STAND_IN),
      ...checkSearched(draft, at, card, input ?? STAND_IN),
    ];
    yield* single;
    if (single.length === 0 && input !== undefined) yield* checkPoints(draft, at, card, input);
  }
}

/** Hyperparameters fixed for every trial, and the preset itself. */
function* checkFixed(draft: SweepDraft, at: PlaceOf, card: MethodCard, input: ImageShape): Generator<SweepIssue> {
  const fixed = draft.train?.hyperparameters[card.name] ?? {};
  const root: SweepPath = ['train', 'hyperparameters', card.name];
  const { issues } = resolveHyperparameters(card, {
    preset: draft.train?.preset ?? 'default',
    input,
    overrides: fixed,
  });
  for (const { path, code, message, suggestion } of issues) {
    if (code === 'refused_value') continue; // judged with the searched values, which may mend it
    if (!(String(path[0]) in fixed)) continue;
    const place = at([...root, ...path], code === 'unknown_name' ? 'key' : 'value');
    yield { ...place, code, message, suggestion };
  }
}

/** Every searched name and every listed value, alone. */
function* checkSearched(draft: SweepDraft, at: PlaceOf, card: MethodCard, input: ImageShape): Generator<SweepIssue> {
  const space = draft.search?.spaces[card.name]?.space ?? {};
  const fixed = draft.train?.hyperparameters[card.name] ?? {};
  const preset = draft.train?.preset ?? 'default';
  for (const leaf of spaceLeaves(space)) {
    const root: SweepPath = ['search', 'spaces', card.name, 'space', ...groupPath(leaf)];
    for (const { value, path } of candidates(leaf)) {
      const overrides = { ...fixed, ...nest(leaf.keys, value) };
      const { issues } = resolveHyperparameters(card, { preset, input, overrides });
      const own = issues.filter((issue) => issue.code !== 'refused_value' && issue.path[0] === leaf.keys[0]);
      const unknownName = own.find(({ code }) => code === 'unknown_name');
      if (unknownName !== undefined) {
        yield {
          ...at(root, 'key'),
          code: 'unknown_name',
          message: unknownName.message,
          suggestion: unknownName.suggestion,
        };
        break;
      }
      for (const { code, message, suggestion } of own) yield { ...at([...root, ...path]), code, message, suggestion };
    }
  }
}

/** Whole configurations, for what only goes wrong together. One issue a method of each kind. */
function* checkPoints(draft: SweepDraft, at: PlaceOf, card: MethodCard, input: ImageShape): Generator<SweepIssue> {
  const { search: space, train } = draft;
  if (space === undefined || train === undefined) return;
  const search = trySearch(space, card.name);
  if (search === null) return; // the space itself has issues of its own
  const overridesAt = (i: number) => ({ ...train.hyperparameters[card.name], ...search.at(i) });
  const tried = Array.from({ length: Math.min(search.size, MOST_TRIED) }, (_, i) =>
    resolveHyperparameters(card, { preset: train.preset, input, overrides: overridesAt(i) }),
  );
  const share = (concerned: number) => {
    const all = `${tried.length === search.size ? '' : 'the first '}${tried.length}`;
    return tried.length === 1 ? '' : ` (${concerned} of ${all} configurations)`;
  };

  const refused = tried.flatMap(({ issues }) => issues.slice(0, 1));
  const [first] = refused;
  if (first !== undefined) {
    const size = `${input.height}x${input.width}x${input.channels}`;
    yield {
      ...at(['search', 'spaces', card.name]),
      code: 'refused_value',
      message: `${card.name} refuses ${size} images with these hyperparameters${share(refused.length)}: ${first.message}`,
      suggestion: first.suggestion ?? 'change dataset.image, or the hyperparameters it names',
    };
  }

  const { checkpoint } = train;
  if (checkpoint?.rule !== 'epoch') return;
  const short = tried.flatMap(({ hyperparameters: h }) => (h && h.epochs < checkpoint.epoch ? [h.epochs] : []));
  if (short.length === 0) return;
  const least = Math.min(...short);
  yield {
    ...at(['train', 'checkpoint']),
    code: 'refused_value',
    message: `the checkpoint rule keeps epoch ${checkpoint.epoch}, and ${card.name} trains ${least}${share(short.length)}`,
    suggestion: least === 0 ? 'checkpoint: last' : `checkpoint: epoch ${least} or less, or more epochs`,
  };
}

/** Without search seeds nothing ranks the configurations: all of them must be wanted. */
function* checkSeeds({ methods, search, seeds }: SweepDraft, at: PlaceOf): Generator<SweepIssue> {
  if (methods === undefined || search === undefined || seeds?.search !== 0) return;
  for (const method of methods) {
    const size = trySearch(search, method)?.size ?? 0;
    if (size <= seeds.finalists) continue;
    yield {
      ...at(['seeds', 'search']),
      code: 'refused_value',
      message: `${method} has ${size} configurations, seeds.finalists keeps ${seeds.finalists}, and without search seeds nothing chooses between them`,
      suggestion: `seeds.search: 1, or seeds.finalists: ${size} to report them all`,
    };
  }
}

function* checkSize(draft: SweepDraft, at: PlaceOf, { dataset }: CheckAgainst): Generator<SweepIssue> {
  const { methods, search, seeds, limits } = draft;
  if (methods === undefined || search === undefined || seeds === undefined || limits === undefined) return;
  const normal = draft.dataset?.normal;
  const classes = normal === 'each' ? dataset?.classes.length : normal?.length;
  if (classes === undefined) return;
  const sizes = methods.map((method) => trySearch(search, method)?.size ?? 0);
  const searchTrials = sizes.reduce((sum, size) => sum + size, 0) * classes * seeds.search;
  const finalists = sizes.reduce((sum, size) => sum + Math.min(size, seeds.finalists), 0);
  const total = searchTrials + finalists * classes * seeds.report;
  if (total <= limits.maxTrials) return;
  yield {
    ...at(['limits', 'maxTrials']),
    code: 'refused_value',
    message: `the sweep has ${total} trials (${searchTrials} search, ${total - searchTrials} report), limits.maxTrials is ${limits.maxTrials}`,
    suggestion: `try fewer values, or set limits.maxTrials: ${total}`,
  };
}

/** The configurations of a method, or null when the space has mistakes that are reported elsewhere. */
function trySearch(search: NonNullable<SweepDraft['search']>, method: string): ReturnType<typeof createSearch> | null {
  try {
    return createSearch(search, method);
  } catch {
    return null; // `parseSweep` reports every problem of the space with its place
  }
}

/** Values to try: all listed ones, both ends of a range. */
function candidates({ distribution }: SpaceLeaf): { readonly value: unknown; readonly path: SweepPath }[] {
  if ('values' in distribution) {
    return distribution.values.map((value, i) => ({ value, path: ['values', i] }));
  }
  const { from, to } = distribution.range;
  return [
    { value: from, path: ['range', 'from'] },
    { value: to, path: ['range', 'to'] },
  ];
}

/** In a file, members of a group stand under `group`. */
function groupPath({ keys }: SpaceLeaf): string[] {
  return keys.flatMap((key, i) => (i === 0 ? [key] : ['group', key]));
}

function nest(keys: readonly string[], value: unknown): Record<string, unknown> {
  return keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Record<string, unknown>;
}

function unknown(place: ReturnType<PlaceOf>, what: string, name: string, known: readonly string[]): SweepIssue {
  const near = didYouMean(name, known);
  return {
    ...place,
    code: 'unknown_name',
    message: `there is no ${what} '${name}'`,
    suggestion: near === undefined ? `known: ${known.slice(0, 20).join(', ')}` : `did you mean ${near}?`,
  };
}
