import { describe, expect, it } from 'vitest';
import { failedAttempt, NOW, trialRecord, WORKER } from '../testing/records.fixtures.js';
import type { ResultFacts, TrialFact } from './fold-fact.js';
import { heldTime } from './held-time.js';

const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000).toISOString();
const running = trialRecord({ state: 'running', attempt: 1, worker: WORKER, startedAt: ago(60) });
const queued = trialRecord({ state: 'queued', attempt: 1, startedAt: ago(60) });

function result(changes: Partial<ResultFacts>): TrialFact {
  const facts: ResultFacts = {
    ...{ attempt: 1, generation: 0, ending: { state: 'completed' }, resultKey: 'k', worker: WORKER, failures: [] },
    ...{
      startedAt: ago(50),
      endedAt: ago(10),
      objective: undefined,
      reusedFrom: undefined,
      otherCode: undefined,
      ...changes,
    },
  };
  return { fact: 'result', result: facts };
}

describe('the time an attempt held its slot', () => {
  it.each([
    ['a result', result({}), { seconds: 40, outcome: 'useful' }],
    ['a diverged result', result({ ending: { state: 'diverged' } }), { seconds: 40, outcome: 'useful' }],
    [
      'a failed attempt',
      { fact: 'attempt', generation: 0, attempt: { ...failedAttempt(1, 'infra'), startedAt: ago(30) } },
      { seconds: 30, outcome: 'lost' },
    ],
    [
      'a drained worker',
      { fact: 'release', generation: 0, attempt: 1, reason: 'drained' },
      { seconds: 60, outcome: 'useful' },
    ],
    [
      'a cancelled trial',
      { fact: 'release', generation: 0, attempt: 1, reason: 'cancelled' },
      { seconds: 60, outcome: 'lost' },
    ],
    [
      'a lost worker',
      { fact: 'lost', attempt: 1, fence: 2, worker: WORKER, class: 'node-lost' },
      { seconds: 60, outcome: 'lost' },
    ],
    [
      'a claim above',
      { fact: 'lease', lease: { version: 1, attempt: 2, worker: WORKER, renewedAt: ago(20) } },
      { seconds: 40, outcome: 'lost' },
    ],
  ] as const)('is told by %s', (_what, fact, held) => {
    expect(heldTime(running, fact, NOW)).toEqual(held);
  });

  it.each([
    ['a first claim', { fact: 'lease', lease: { version: 1, attempt: 2, worker: WORKER, renewedAt: ago(20) } }],
    ['a result taken over', result({ reusedFrom: { sweep: queued.sweep, trial: queued.trial } })],
    ['the end the controller wrote after failures', result({ ending: { state: 'failed' } })],
    ['a lost worker that held nothing', { fact: 'lost', attempt: 1, fence: 2, worker: WORKER, class: 'node-lost' }],
  ] as const)('is none for %s', (_what, fact) => {
    expect(heldTime(queued, fact, NOW)).toBeNull();
  });
});
