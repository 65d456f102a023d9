import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { describeCards, describeModel } from './contracts/index.js';
import { findMethod, METHODS } from './registry.js';

/** Folders with a card, whether or not the registry knows them. */
const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(`${import.meta.dirname}/${entry.name}/method.ts`))
  .map((entry) => entry.name);

// The order matters: the cards are checked before the first model loads a tensor library into this process.
describeCards(METHODS, folders);

describe('registry', () => {
  test('finds a card by name and suggests the nearest one otherwise', () => {
    expect(findMethod('dae').title).toMatch(/denoising/i);
    expect(() => findMethod('dea')).toThrow(
      expect.objectContaining({ code: 'unknown_method', kind: 'user', hint: "Did you mean 'dae'?" }),
    );
    expect(() => findMethod('resnet')).toThrow(expect.objectContaining({ hint: expect.stringContaining('ocgan') }));
  });
});

for (const card of METHODS) {
  describeModel(card, {
    useEngine: async () => (await import('./testing/engine.fixtures.js')).useNativeEngine(),
  });
}
