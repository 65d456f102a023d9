import { type FigureLookup, foldLeaderboard } from '@adctl/evaluation';
import type { MethodCard } from '@adctl/methods';
import { isFinal, type Leaderboard, type SweepId } from '@adctl/protocol';
import { normalClasses } from '../plan/frozen-sweep.js';
import type { Archive } from './archive.js';
import type { KeptResult, ResultCache } from './result-cache.js';

export interface LeaderboardQuery {
  readonly dataset?: string | undefined;
  readonly method?: string | undefined;
  readonly protocol?: string | undefined;
  readonly sweep?: SweepId | undefined;
}

/** Folds the leaderboard over everything asked for. Results are read once; the fold itself is cheap. */
export async function readLeaderboard(
  archive: Archive,
  results: ResultCache,
  cards: readonly MethodCard[],
  query: LeaderboardQuery,
): Promise<Leaderboard> {
  const sweeps = query.sweep === undefined ? (await archive.records()).map(({ sweep }) => sweep) : [query.sweep];
  const all: KeptResult[] = [];
  const expected = new Map<SweepId, { readonly classes: readonly string[]; readonly reportSeeds: readonly number[] }>();
  for (const sweep of sweeps) {
    const { frozen, record } = await archive.find(sweep);
    const { dataset, methods } = frozen.sweep;
    if (query.dataset !== undefined && dataset.name !== query.dataset) continue;
    if (query.protocol !== undefined && dataset.protocol !== query.protocol) continue;
    if (query.method !== undefined && !methods.includes(query.method)) continue;
    const reportSeeds = record.finalists === undefined ? [] : frozen.seeds.report;
    expected.set(sweep, { classes: normalClasses(frozen), reportSeeds });
    const final = (await archive.trials(sweep)).filter(({ state }) => isFinal(state));
    all.push(...(await results.of(sweep, final)));
  }
  const wanted = all.filter(({ spec }) => query.method === undefined || spec.method === query.method);
  return foldLeaderboard(withoutCopies(wanted), {
    published: lookUpFigures(cards),
    expected: (sweep) => expected.get(sweep),
  });
}

/** A result taken over from a trial that is here too would count its seconds twice. */
function withoutCopies(results: readonly KeptResult[]): KeptResult[] {
  const originals = new Set(results.map(({ spec }) => `${spec.sweep} ${spec.trial}`));
  return results.filter(
    ({ reusedFrom, spec }) =>
      reusedFrom === undefined ||
      spec.sweep === reusedFrom.sweep ||
      !originals.has(`${reusedFrom.sweep} ${reusedFrom.trial}`),
  );
}

/** The published figure for exactly this data set, protocol and class set: `mean` only stands for all classes. */
function lookUpFigures(cards: readonly MethodCard[]): FigureLookup {
  return ({ method, dataset, protocol, classes }) => {
    const card = cards.find(({ name }) => name === method);
    const normal = classes.length === 1 ? classes[0] : 'mean';
    const ofAll = (name: string) =>
      card?.published.filter(
        (figure) => figure.dataset === dataset && figure.protocol === protocol && figure.normal === name,
      )[0];
    if (normal === 'mean' && !coversAllClasses(card, dataset, protocol, classes)) return undefined;
    const figure = ofAll(normal ?? '');
    if (figure === undefined) return undefined;
    const { auroc, source, reproduced } = figure;
    return { auroc, source, reproduced };
  };
}

/** A paper's mean is over the classes it lists one by one; without such a list nothing is known to match it. */
function coversAllClasses(
  card: MethodCard | undefined,
  dataset: string,
  protocol: string,
  classes: readonly string[],
): boolean {
  const listed = (card?.published ?? [])
    .filter((figure) => figure.dataset === dataset && figure.protocol === protocol && figure.normal !== 'mean')
    .map(({ normal }) => normal);
  return listed.length === classes.length && classes.every((name) => listed.includes(name));
}
