import { describe, expect, it } from 'vitest';
import { buildLeaderboard, buildRow, buildSummary } from '../testing/builders.fixtures.js';
import { renderLeaderboard } from './leaderboard.js';
import { renderLeaderboardCsv } from './leaderboard-csv.js';
import { PLAIN } from './style.js';

describe('renderLeaderboard', () => {
  it('shows rows, classes, hyperparameters and the footnotes that the numbers need', () => {
    const failed = buildRow({
      rank: null,
      unrankedReason: '2 diverged of 6 report trials',
      method: 'dae',
      configuration: 'c-ba9876543210',
      auroc: null,
      seeds: [],
      endings: { completed: 4, diverged: 2 },
      failures: { 'node-lost': 1 },
      classes: [],
    });

    expect(renderLeaderboard(buildLeaderboard([buildRow(), failed]), PLAIN)).toMatchSnapshot();
  });

  it('prints no ± below three seeds, and says why', () => {
    const text = renderLeaderboard(buildLeaderboard([buildRow({ auroc: buildSummary(0.93, 2), classes: [] })]), PLAIN);

    expect(text).not.toMatch(/0\.9300 ±/);
    expect(text).toContain('Fewer than three report seeds');
  });

  it('warns when rows were computed by different code', () => {
    const other = buildRow({ codeVersions: ['cd'.repeat(32)] as never });

    expect(renderLeaderboard(buildLeaderboard([buildRow(), other]), PLAIN)).toContain('different versions of its code');
  });

  it('says that there is nothing yet', () => {
    expect(renderLeaderboard({ version: 1, groups: [] }, PLAIN)).toBe('No results yet.');
  });
});

describe('renderLeaderboardCsv', () => {
  it('writes one line a row and class, numbers in full, quoting what holds a comma', () => {
    const lines = renderLeaderboardCsv(buildLeaderboard()).split('\n');

    expect(lines).toHaveLength(4);
    expect(lines[1]).toContain(',mean,0.93,0.0123,');
    expect(lines[2]).toContain(',1,0.99,0.0123,');
    expect(lines[1]).toMatch(/"\{""learningRate"":0\.001,""lambdaRec"":50\}"$/);
  });
});
