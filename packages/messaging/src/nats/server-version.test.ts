import { describe, expect, it } from 'vitest';
import { isAtLeast } from './server-version.js';

describe('server versions', () => {
  it.each([
    ['2.9.10', '2.9.10', true],
    ['2.9.9', '2.9.10', false],
    ['2.10.0', '2.9.10', true],
    ['2.15.1', '2.10.0', true],
    ['3.0.0', '2.15.1', true],
    ['2.11.0-RC.1', '2.10.0', true],
    ['1.9.20', '2.9.10', false],
    ['', '2.9.10', false],
  ])('%s is at least %s: %s', (version, floor, expected) => {
    expect(isAtLeast(version, floor)).toBe(expected);
  });
});
