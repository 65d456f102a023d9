import { expect, it } from 'vitest';
import { type Circuit, CLOSED, noteStart, startsAllowed } from './circuit.js';

const failAt = (circuit: Circuit, ...seconds: number[]) =>
  seconds.reduce((state, at) => noteStart(state, { up: false, atMs: at * 1000, why: 'exit code 77' }), circuit);

it('stays closed for two failures, and opens with the third in a row', () => {
  expect(failAt(CLOSED, 1, 2).openUntilMs).toBeNull();
  expect(failAt(CLOSED, 1, 2, 3)).toEqual({
    failures: 3,
    openings: 1,
    openUntilMs: 63_000,
    lastFailure: 'exit code 77',
  });
});

it('starts counting again after a worker that came up', () => {
  const circuit = noteStart(failAt(CLOSED, 1, 2), { up: true, atMs: 3000 });

  expect(failAt(circuit, 4, 5).openUntilMs).toBeNull();
});

it('allows nothing during a pause, one trial after it, anything while closed', () => {
  const open = failAt(CLOSED, 1, 2, 3);

  expect(startsAllowed(open, 62_999)).toBe(0);
  expect(startsAllowed(open, 63_000)).toBe(1);
  expect(startsAllowed(CLOSED, 0)).toBe(Number.POSITIVE_INFINITY);
});

it('doubles the pause with every failed trial, up to half an hour', () => {
  let circuit = failAt(CLOSED, 0, 0, 0);
  const pauses: number[] = [];
  for (let trial = 0; trial < 7; trial++) {
    const until = circuit.openUntilMs ?? 0;
    circuit = noteStart(circuit, { up: false, atMs: until, why: '' });
    pauses.push(((circuit.openUntilMs ?? 0) - until) / 60_000);
  }

  expect(pauses).toEqual([2, 4, 8, 16, 30, 30, 30]);
});

it('does not lengthen the pause for workers that were on their way when it began', () => {
  const open = failAt(CLOSED, 1, 2, 3);

  expect(failAt(open, 4, 5, 6).openUntilMs).toBe(open.openUntilMs);
});
