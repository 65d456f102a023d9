import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createSweepJsonSchema, parseSweep, SweepFileError } from './index.js';
import { DESIGN_FILE, LONGEST_FILE, SHORTEST_FILE } from './sweep.fixtures.js';

const accepts = new Ajv2020({ strict: false }).compile(createSweepJsonSchema());

/** What only `parseSweep` can say: contradictions between values, and numbers too large for their text. */
const BEYOND_SCHEMA = new Set(['contradiction', 'syntax']);

function parseAccepts(value: unknown): boolean {
  try {
    parseSweep(JSON.stringify(value), { file: 'mutated.json' });
    return true;
  } catch (error) {
    if (error instanceof SweepFileError) return error.issues.every(({ code }) => BEYOND_SCHEMA.has(code));
    throw error;
  }
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Every place in a value, as the container and the key. */
function places(value: Json): { container: Record<string, Json>; key: string }[] {
  if (value === null || typeof value !== 'object') return [];
  const container = value as Record<string, Json>;
  return Object.keys(container).flatMap((key) => [{ container, key }, ...places(container[key] as Json)]);
}

const junk = fc.oneof(
  fc.constantFrom<Json>(null, true, '', 'each', 'x', '2h', 'epoch 3', 'best(test.auroc)', 0, -1, 0.5, 3, 1e6, 1e300),
  fc.constantFrom<Json>([], [1], ['a', 'b'], {}, { values: [1] }, { range: { from: 0, to: 1, count: 3 } }, { a: null }),
);
const mutation = fc.record({
  what: fc.constantFrom('remove', 'rename', 'replace', 'add'),
  where: fc.nat(),
  name: fc.constantFrom('extra', 'value', 'seed', 'methods', 'method', 'when', 'integer', 'Bad Name'),
  value: junk,
});

test('JSON Schema and parser agree on mutated files', () => {
  const bases = fc.constantFrom(DESIGN_FILE, SHORTEST_FILE, LONGEST_FILE);
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(bases, fc.array(mutation, { maxLength: 3 }), (base, mutations) => {
      const value = parse(base) as Json;
      for (const { what, where, name, value: replacement } of mutations) {
        const all = places(value);
        const { container, key } = all[where % all.length] as (typeof all)[number];
        if (what === 'replace') container[key] = structuredClone(replacement);
        else if (Array.isArray(container)) container.splice(Number(key), 1);
        else if (what === 'add') container[name] = structuredClone(replacement);
        else {
          if (what === 'rename') container[`${key}s`] = container[key] as Json;
          delete container[key];
        }
      }

      const verdict = parseAccepts(value);

      expect(accepts(value)).toBe(verdict);
      if (verdict) accepted++;
      else refused++;
    }),
    { numRuns: 600, seed: 1 },
  );
  expect(accepted).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(200);
});
