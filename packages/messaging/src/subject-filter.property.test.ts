import fc from 'fast-check';
import { expect, it } from 'vitest';
import { assertFilter, assertSubject, isExactFilter, matchesFilter, rangeOfFilter } from './subject-filter.js';

const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,3}$/);
const subject = fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join('.'));
const filter = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([tokens, rest]) => [...tokens, ...(rest ? ['>'] : [])].join('.'));

/** The definition once more, as a regular expression. */
const reference = (pattern: string, text: string) =>
  new RegExp(
    `^${pattern
      .split('.')
      .map((part) => (part === '*' ? '[^.]+' : part === '>' ? '.+' : part))
      .join('\\.')}$`,
  ).test(text);

it('matches as its definition says', () => {
  fc.assert(
    fc.property(filter, subject, (pattern, text) => {
      expect(matchesFilter(pattern, text)).toBe(reference(pattern, text));
    }),
  );
});

it('matches every subject by a filter made from it, inside the filter’s range', () => {
  const made = subject.chain((text) =>
    fc.record({
      text: fc.constant(text),
      pattern: fc.tuple(fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), fc.nat(5)).map(([stars, cut]) => {
        const tokens = text.split('.').map((part, index) => (stars[index] ? '*' : part));
        return cut < tokens.length ? [...tokens.slice(0, cut), '>'].join('.') : tokens.join('.');
      }),
    }),
  );
  fc.assert(
    fc.property(made, ({ text, pattern }) => {
      const { low, high } = rangeOfFilter(pattern);
      expect(matchesFilter(pattern, text)).toBe(true);
      expect(low <= text && text < high).toBe(true);
      expect(isExactFilter(pattern)).toBe(!/[*>]/.test(pattern));
    }),
  );
});

it.each(['a.>.b', '>.a', '', 'a..b', 'a b', 'a*'])('refuses the filter %j', (pattern) => {
  expect(() => assertFilter(pattern)).toThrow(/is no filter/);
});

it('takes no wildcard in a subject', () => {
  expect(() => assertSubject('a.*')).toThrow(/is no subject/);
  expect(() => assertSubject('a.b-C_9')).not.toThrow();
});
