import { describe, expect, test } from 'vitest';
import { FINAL_STATES, isFinal, isLegalMove, TRIAL_STATES } from './trial-state.js';

describe('trial states', () => {
  test('nothing leaves a final state', () => {
    for (const from of FINAL_STATES) {
      for (const to of TRIAL_STATES) expect(isLegalMove(from, to), `${from} -> ${to}`).toBe(false);
    }
  });

  test('every state that is not final can still end', () => {
    for (const from of TRIAL_STATES.filter((state) => !isFinal(state))) {
      expect(
        FINAL_STATES.some((to) => isLegalMove(from, to)),
        from,
      ).toBe(true);
    }
  });

  test.each([
    ['queued', 'dispatched', true],
    ['dispatched', 'running', true],
    ['running', 'queued', true],
    ['running', 'paused', true],
    ['paused', 'queued', true],
    ['paused', 'running', false],
    ['queued', 'running', false],
    ['running', 'dispatched', false],
  ] as const)('%s -> %s is legal: %s', (from, to, legal) => {
    expect(isLegalMove(from, to)).toBe(legal);
  });
});
