import { describe, expect, test } from 'vitest';
import { createManualClock } from '../contracts/manual-clock.js';
import { KeptAnswers, toParts } from './answer-parts.js';

describe('toParts', () => {
  test('leaves a small answer whole', () => {
    expect(toParts('{"a":1}')).toEqual(['{"a":1}']);
  });

  test('cuts a large one into parts that any server takes, and never inside a character', () => {
    const text = `x${'\u{1f9ea}'.repeat(400_000)}`;
    const parts = toParts(text);

    expect(parts.length).toBeGreaterThan(3);
    expect(parts.map((part) => new TextDecoder().decode(new TextEncoder().encode(part))).join('')).toBe(text);
    for (const part of parts) expect(Buffer.byteLength(part)).toBeLessThan(1_000_000);
  });
});

describe('kept answers', () => {
  test('are for the one who asked, and for a minute', () => {
    const clock = createManualClock();
    const kept = new KeptAnswers(clock);
    const token = kept.keep('alice', ['a', 'b']);

    expect(kept.part('alice', token, 1)).toBe('b');
    expect(() => kept.part('bob', token, 1)).toThrow('not there any more');
    expect(() => kept.part('alice', token, 2)).toThrow('not there any more');
    clock.advance(60_000);
    expect(() => kept.part('alice', token, 1)).toThrow('not there any more');
  });

  test('do not pile up: the oldest goes', () => {
    const kept = new KeptAnswers(createManualClock());
    const first = kept.keep('alice', ['a', 'b']);
    for (let i = 0; i < 32; i++) kept.keep('alice', ['a', 'b']);

    expect(() => kept.part('alice', first, 1)).toThrow('not there any more');
  });
});
