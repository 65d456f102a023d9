import { readdirSync, readFileSync } from 'node:fs';
import { parseSweep } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { createSearch } from './index.js';

const FOLDER = new URL('../../../examples/sweeps/', import.meta.url);

/** Trainings the general files announce in their head comments; MNIST has ten classes. */
const TRAININGS: Readonly<Record<string, number>> = {
  'ocgan.yaml': 20,
  'ocgan-mnist-full.yaml': 130,
  'dae.yaml': 13,
  'fashion.yaml': 36,
  'zoo.yaml': 33,
  'zoo-textures.yaml': 33,
};

const FILES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.yaml'))
  .map((path) => path.replaceAll('\\', '/'))
  .sort();

describe('example sweeps', () => {
  test('are all known here, but for the one of each method', () => {
    expect(FILES.filter((path) => !path.includes('/'))).toEqual(Object.keys(TRAININGS).sort());
  });

  test.each(FILES)('%s parses and makes the trainings it says', (file) => {
    const text = readFileSync(new URL(file, FOLDER), 'utf8');

    const { methods, search, seeds, dataset, limits } = parseSweep(text, { file });
    const classes = dataset.normal === 'each' ? 10 : dataset.normal.length;
    const planned = methods
      .map((method) => {
        const configurations = createSearch(search, method).size;
        const finalists = Math.min(seeds.finalists, configurations);
        return classes * (configurations * seeds.search + finalists * seeds.report);
      })
      .reduce((sum, count) => sum + count, 0);

    if (file in TRAININGS) expect(planned).toBe(TRAININGS[file]);
    expect(planned).toBeLessThanOrEqual(limits.maxTrials);
    expect(text).toMatch(new RegExp(`makes\\s+(# )?${planned} trainings`));
  });
});
