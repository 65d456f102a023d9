import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { listProtocols } from './protocols/registry.js';
import { findDataset, listDatasets } from './registry.js';
import { CORRUPTIONS } from './synthetic/make-synthetic-anomalies.js';
import { TEXTURE_DEFECTS, TEXTURE_FAMILIES } from './textures/draw-image.js';

describe('the registry', () => {
  it('lists each name once and finds each', () => {
    const names = listDatasets().map((card) => card.name);

    expect(new Set(names).size).toBe(names.length);
    for (const card of listDatasets()) expect(findDataset(card.name)).toBe(card);
  });

  it.each(listDatasets().flatMap((card) => (card.kind === 'files' ? [[card.name, card] as const] : [])))(
    'has consistent facts for %s',
    (_, card) => {
      const imageBytes = card.shape.height * card.shape.width * card.shape.channels;
      const fileBytes = card.files.reduce((sum, file) => sum + file.bytes, 0);

      expect(new Set(card.classes).size).toBe(card.classes.length);
      expect(card.classes.every((name) => /^[a-z0-9_-]+$/.test(name))).toBe(true);
      expect(fileBytes).toBeGreaterThan((card.counts.train + card.counts.test) * imageBytes);
      for (const file of card.files) {
        const pins = [file.sha256, file.gzipSha256].filter((pin) => pin !== undefined);
        expect(pins).not.toEqual([]);
        for (const pin of pins) expect(pin).toMatch(/^[0-9a-f]{64}$/);
      }
    },
  );

  it.each([
    ['cifar100', 100],
    ['cifar100-coarse', 20],
    ['cifar10', 10],
  ])('knows every class of %s, in alphabetical order as its authors number them', (name, count) => {
    const card = findDataset(name);
    const classes = card.kind === 'files' ? card.classes : [];

    expect(classes).toHaveLength(count);
    expect(classes).toEqual([...classes].sort());
  });
});

describe('MVTec AD', () => {
  it('has 3,629 training and 1,725 test images in 15 categories, as published', () => {
    const card = findDataset('mvtec-ad');
    const counts = card.kind === 'folder' ? Object.values(card.categories ?? {}) : [];

    expect(counts).toHaveLength(15);
    expect(counts.reduce((sum, { train }) => sum + train, 0)).toBe(3629);
    expect(counts.reduce((sum, { good, defective }) => sum + good + defective, 0)).toBe(1725);
  });
});

describe('docs/datasets.md', () => {
  const page = readFileSync(new URL('../../../docs/datasets.md', import.meta.url), 'utf8');
  const named = [...listDatasets(), ...listProtocols(), ...CORRUPTIONS, ...TEXTURE_FAMILIES, ...TEXTURE_DEFECTS].map(
    ({ name }) => name,
  );

  it.each(named)('has a table row for %s', (name) => {
    expect(page).toContain(`\n| \`${name}\` |`);
  });
});
