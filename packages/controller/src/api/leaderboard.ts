import { foldTotals } from '@adctl/evaluation';
import type { MethodCard } from '@adctl/methods';
import type { Leaderboard, SweepId } from '@adctl/protocol';
import { normalClasses } from '../plan/frozen-sweep.js';
import type { ResultIndex } from '../results/result-index.js';
import type { Archive } from './archive.js';
import { lookUpFigures } from './published-figures.js';

export interface LeaderboardQuery {
  readonly dataset?: string | undefined;
  readonly method?: string | undefined;
  readonly protocol?: string | undefined;
  readonly sweep?: SweepId | undefined;
}

/** Folds the leaderboard over everything asked for. What it costs depends on configurations and report trials, not on trials. */
export async function readLeaderboard(
  archive: Archive,
  results: ResultIndex,
  cards: readonly MethodCard[],
  query: LeaderboardQuery,
): Promise<Leaderboard> {
  const { method } = query;
  const found =
    query.sweep === undefined ? await archive.findAll() : { known: [await archive.find(query.sweep)], leftOut: [] };
  const known = found.known.filter(({ frozen }) => {
    const { dataset, methods } = frozen.sweep;
    if (query.dataset !== undefined && dataset.name !== query.dataset) return false;
    if (query.protocol !== undefined && dataset.protocol !== query.protocol) return false;
    return method === undefined || methods.includes(method);
  });
  const expected = new Map(
    known.map(({ frozen, record }) => {
      const reportSeeds = record.finalists === undefined ? [] : frozen.seeds.report;
      return [record.sweep, { classes: normalClasses(frozen), reportSeeds }];
    }),
  );
  const { report, search, unreadable } = await results.leaderboard(known.map(({ frozen }) => frozen));
  const leftOut = [...found.leftOut, ...unreadable];
  const board = foldTotals(
    {
      report: [...report].filter(({ spec }) => method === undefined || spec.method === method),
      search: [...search].filter((totals) => method === undefined || totals.method === method),
    },
    { published: lookUpFigures(cards), expected: (sweep) => expected.get(sweep) },
  );
  return leftOut.length === 0 ? board : { ...board, leftOut };
}
