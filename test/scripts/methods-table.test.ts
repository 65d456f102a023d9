import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { renderTables, replaceTables } from '../../scripts/lib/methods-table.mjs';

const summary = (mean: number, std: number | null = 0.0123) => ({ mean, std, seeds: std === null ? 1 : 3 });
const row = {
  method: 'ocgan',
  parameters: 123_456,
  trainedPerSecond: 500,
  scoredPerSecond: 4000,
  auroc: summary(0.9314),
  untrainedAuroc: summary(0.5),
  pixelAuroc: null,
  pro: null,
  seeds: [1, 2, 3],
  published: null,
  classes: [{ normal: '8', published: { auroc: 0.939, reproduced: false } }],
  unrankedReason: null,
};
const group = (rows: readonly object[]) => ({
  dataset: 'mnist',
  protocol: 'one-class',
  classes: ['8'],
  dataDigest: 'ab'.repeat(32),
  rows,
});
const methods = [{ name: 'ocgan', family: 'reconstruction' }];
const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('the tables of docs/methods.md', () => {
  test('say what the leaderboard says', () => {
    const tables = renderTables({ groups: [group([row])] }, methods, { mnist: { ocgan: '0.85 to 0.93' } });

    expect(tables).toContain('**mnist, one-class, normal 8** (data abababababab)');
    expect(tables).toContain(
      '| `ocgan` | reconstruction | 123,456 | 2.0 | 0.25 | 0.931 ± 0.012 | 3 | 0.500 ± 0.012 | 0.939 (never reproduced publicly) | 0.85 to 0.93 |  |',
    );
    expect(tables).not.toContain('PRO');
  });

  test('have columns for pixel metrics where a row has them, and say why a row has no numbers', () => {
    const published = { normal: 'tile', published: null, publishedPixelAuroc: { value: 0.62, reproduced: false } };
    const mapping = { ...row, pixelAuroc: summary(0.95, null), pro: summary(0.8, null), classes: [published] };
    const failed = { ...row, auroc: null, parameters: null, scoredPerSecond: null, unrankedReason: '2 failed of 3' };

    const tables = renderTables({ groups: [group([mapping, failed])] }, [], {});

    expect(tables).toMatch(/\| pixel AUROC \| PRO \| paper \| paper, pixel AUROC \| expected/);
    expect(tables).toContain('| 0.950 | 0.800 | - | 0.620 (never reproduced publicly) | - |');
    expect(tables).toContain('| - | - | 2.0 | - | - |');
    expect(tables).toContain('2 failed of 3');
  });

  test('replace what stood between the marks, and nothing else', () => {
    const once = replaceTables(read('docs/methods.md'), '| table one |');
    const twice = replaceTables(once, '| table two |');

    expect(once).toContain('| table one |');
    expect(twice).toBe(once.replace('| table one |', '| table two |'));
    expect(twice.startsWith('# Methods, measured')).toBe(true);
    expect(() => replaceTables('no marks', 'x')).toThrow('lacks the lines');
  });
});
