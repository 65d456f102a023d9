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

  it('shows pixel AUROC and PRO where a method maps, a dash for one that does not', () => {
    const [first, second] = buildRow().classes;
    const maps = { pixelAuroc: buildSummary(0.95), pixelAveragePrecision: buildSummary(0.4), pro: buildSummary(0.8) };
    const mapping = buildRow({ ...maps, classes: [{ ...first!, ...maps }, second!] });
    const text = renderLeaderboard(buildLeaderboard([mapping, buildRow({ method: 'dae' })]), PLAIN);
    const lines = text.split('\n').filter((line) => /PIXEL AUROC|^ +1 {2}(ocgan|dae) /.test(line));

    expect(lines[0]).toMatch(/FPR@95TPR +PIXEL AUROC +PRO/);
    expect(lines[1]).toContain('0.9500 ± 0.0123  0.8000 ± 0.0123');
    expect(lines[2]).not.toContain('0.9500');
    expect(text.match(/PIXEL AUROC/g)).toHaveLength(2);
    expect(text).toContain('Pixel AUROC and PRO compare anomaly maps with the true masks');
    expect(renderLeaderboard(buildLeaderboard(), PLAIN)).not.toContain('PIXEL AUROC');
  });

  it('says that a method with several ranked rows was chosen on the test images', () => {
    const unranked = { rank: null, unrankedReason: '1 diverged of 3 report trials' };
    const one = renderLeaderboard(buildLeaderboard([buildRow(), buildRow(unranked)]), PLAIN);
    const two = renderLeaderboard(buildLeaderboard([buildRow(), buildRow({ rank: 2 })]), PLAIN);

    expect(one).toContain('Report seeds were never used to choose anything');
    expect(one).not.toContain('best of');
    expect(two).not.toContain('never used');
    expect(two).toContain("ocgan's first row is the best of 2 on the test images; nothing else chose between them");
  });

  it('shows how trials ended before they were retried', () => {
    const row = buildRow({ retried: { diverged: 1, cancelled: 2 }, failures: { 'oom-gpu': 1 } });

    expect(renderLeaderboard(buildLeaderboard([row]), PLAIN)).toContain('retried: 1 diverged; attempts: 1 oom-gpu');
    expect(renderLeaderboardCsv(buildLeaderboard([row]))).toContain('diverged=1 cancelled=2');
  });

  it('warns when rows were computed by different code', () => {
    const other = buildRow({ codeVersions: ['cd'.repeat(32)] as never });

    expect(renderLeaderboard(buildLeaderboard([buildRow(), other]), PLAIN)).toContain('different versions of its code');
  });

  it('says how many report trials of older code a row leaves out', () => {
    const text = renderLeaderboard(buildLeaderboard([buildRow({ olderTrials: 3 })]), PLAIN);

    expect(text).toContain('ocgan c-0123456789ab leaves out 3 report trials that older code computed');
  });

  it('names the engines where the numbers of a method come from several, or from one that nobody noted', () => {
    const [cpu] = buildRow().engines;
    const rows = [buildRow(), buildRow({ engines: [{ ...cpu!, gpu: true, threads: 2 }, null] })];

    expect(renderLeaderboard(buildLeaderboard(rows), PLAIN)).toContain(
      'The numbers of ocgan come from different engines (TensorFlow 2.21.0 on CPU, 1 thread; TensorFlow 2.21.0 on GPU, 2 threads; an engine that was not noted)',
    );
    expect(renderLeaderboard(buildLeaderboard(), PLAIN)).not.toContain('different engines');
  });

  it('names the backbone of rows that look through one, and what a random one means', () => {
    const random = buildRow({ backbone: { architecture: 'resnet18', weights: 'random' } });
    const text = renderLeaderboard(buildLeaderboard([random, buildRow()]), PLAIN);

    expect(text).toContain('resnet18, random');
    expect(text).toContain('never set its numbers beside published ones');
    expect(renderLeaderboard(buildLeaderboard([buildRow()]), PLAIN)).not.toMatch(/BACKBONE|random backbone/);
    expect(renderLeaderboardCsv(buildLeaderboard([random]))).toContain('resnet18,random');
  });

  it('shows what a paper claims for pixels under the name of its metric', () => {
    const claimed = { value: 0.62, source: 'table 2', reproduced: false, difference: 0.21 };
    const row = buildRow({ publishedPixelAuroc: claimed });
    const text = renderLeaderboard(buildLeaderboard([row]), PLAIN);

    expect(text).toMatch(/PUBLISHED PIXEL AUROC +DIFFERENCE/);
    expect(text).toMatch(/0\.6200\* +\+0\.2100/);
    expect(text).not.toContain('PUBLISHED PRO');
    expect(renderLeaderboard(buildLeaderboard(), PLAIN)).not.toContain('PUBLISHED PIXEL');
    expect(renderLeaderboardCsv(buildLeaderboard([row]))).toContain('0.62,0.21');
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
    const maps = { pixelAuroc: buildSummary(0.95), pro: buildSummary(0.8) };
    const header = lines[0]!.split(',');
    const cells = renderLeaderboardCsv(buildLeaderboard([buildRow(maps)]))
      .split('\n')[1]!
      .split(',');
    const cell = (name: string) => cells[header.indexOf(name)];
    expect([cell('pixel_auroc_mean'), cell('pro_mean'), cell('parameters')]).toEqual(['0.95', '0.8', '123456']);
    const failed = buildRow({ endings: { completed: 4, diverged: 2 }, failures: { 'node-lost': 1 } });
    const cellsOfFailed = renderLeaderboardCsv(buildLeaderboard([failed]))
      .split('\n')[1]!
      .split(',');
    const ofFailed = (name: string) => cellsOfFailed[header.indexOf(name)];
    expect([ofFailed('endings'), ofFailed('failed_attempts'), ofFailed('code_versions')]).toEqual([
      'completed=4 diverged=2',
      'node-lost=1',
      failed.codeVersions[0],
    ]);
    expect(lines[1]).toMatch(/"\{""learningRate"":0\.001,""lambdaRec"":50\}"$/);
  });
});
