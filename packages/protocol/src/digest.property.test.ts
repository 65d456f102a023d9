import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf, toCanonicalJson } from './digest.js';

describe('canonical JSON', () => {
  test('means the same as JSON for every JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(toCanonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('does not depend on the order of members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
        const reversed = Object.fromEntries(Object.entries(record).reverse());

        expect(digestOf(reversed)).toBe(digestOf(record));
      }),
    );
  });

  test('leaves undefined members out, keeps nulls, and tells values from their text', () => {
    expect(toCanonicalJson({ b: undefined, a: null })).toBe('{"a":null}');
    expect(digestOf({ a: 1 })).not.toBe(digestOf({ a: '1' }));
    expect(digestOf([1, 2])).not.toBe(digestOf([2, 1]));
  });
});
