import { readdirSync, readFileSync } from 'node:fs';
import { parseSweep } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { createSearch } from './index.js';

const FOLDER = new URL('../../../examples/sweeps/', import.meta.url);

/** Trainings each file announces in its head comment; MNIST has ten classes. */
const TRAININGS: Readonly<Record<string, number>> = {
  'ocgan.yaml': 20,
  'ocgan-mnist-full.yaml': 130,
  'dae.yaml': 13,
  'fashion.yaml': 36,
};

describe('example sweeps', () => {
  test('are all known here', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(TRAININGS).sort());
  });

  test.each(Object.entries(TRAININGS))('%s parses and makes the %d trainings it says', (file, trainings) => {
    const text = readFileSync(new URL(file, FOLDER), 'utf8');

    const { methods, search, seeds, dataset, limits } = parseSweep(text, { file });
    const classes = dataset.normal === 'each' ? 10 : dataset.normal.length;
    const planned = methods.map((method) => {
      const configurations = createSearch(search, method).size;
      const finalists = Math.min(seeds.finalists, configurations);
      return classes * (configurations * seeds.search + finalists * seeds.report);
    });

    expect(planned.reduce((sum, count) => sum + count, 0)).toBe(trainings);
    expect(trainings).toBeLessThanOrEqual(limits.maxTrials);
    expect(text).toMatch(new RegExp(`makes\\s+(# )?${trainings} trainings`));
  });
});
