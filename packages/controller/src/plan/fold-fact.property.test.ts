import { isFinal, type TrialRecord } from '@adctl/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failedAttempt, NOW, trialRecord, WORKER } from '../testing/records.fixtures.js';
import { foldFact, type TrialFact } from './fold-fact.js';

const context = { now: NOW, limits: { maxAttempts: 3, timeScale: 1 } };
const at = NOW.toISOString();

/** Everything that happened to one trial: attempts 1 … n - 1 failed, were lost or let go, attempt n completed. */
const history = fc.array(fc.constantFrom('failed', 'lost', 'drained'), { maxLength: 5 }).map((endings) => {
  const facts: TrialFact[] = [];
  for (const [i, ending] of endings.entries()) {
    const attempt = i + 1;
    facts.push({ fact: 'lease', lease: { version: 1, attempt, worker: WORKER, renewedAt: at } });
    if (ending === 'failed') facts.push({ fact: 'attempt', generation: 0, attempt: failedAttempt(attempt, 'infra') });
    if (ending === 'drained') facts.push({ fact: 'release', generation: 0, attempt, reason: 'drained' });
  }
  const last = endings.length + 1;
  facts.push({ fact: 'lease', lease: { version: 1, attempt: last, worker: WORKER, renewedAt: at } });
  facts.push({
    fact: 'result',
    result: {
      attempt: last,
      generation: 0,
      ending: { state: 'completed' },
      resultKey: 'k',
      worker: WORKER,
      failures: [],
      startedAt: at,
      endedAt: at,
      objective: 0.5,
      reusedFrom: undefined,
      otherCode: undefined,
    },
  });
  return facts;
});

/** Facts in any order, each once to three times. */
const heard = history.chain((facts) =>
  fc
    .array(fc.integer({ min: 1, max: 3 }), { minLength: facts.length, maxLength: facts.length })
    .map((times) => facts.flatMap((fact, i) => Array.from({ length: times[i] ?? 1 }, () => fact)))
    .chain((all) => fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }))
    .map((shuffled) => ({ facts, shuffled })),
);

function fold(record: TrialRecord, facts: readonly TrialFact[]): TrialRecord[] {
  const story = [record];
  for (const fact of facts) {
    const folded = foldFact(story.at(-1) as TrialRecord, fact, context);
    if (folded.fold === 'changed') story.push(folded.record);
    expect(folded).not.toMatchObject({ why: 'illegal' });
  }
  return story;
}

describe('whatever order facts arrive in', () => {
  test('a trial ends in the same final state, once, and no move is illegal', () => {
    fc.assert(
      fc.property(heard, ({ facts, shuffled }) => {
        const start = trialRecord({ state: 'dispatched' });

        const inOrder = fold(start, facts).at(-1);
        const story = fold(start, shuffled);

        expect(inOrder?.state).toBe('completed');
        expect(story.at(-1)).toMatchObject({ state: 'completed', objective: 0.5, resultKey: 'k' });
        expect(story.filter(({ state }) => isFinal(state))).toHaveLength(1);
      }),
    );
  });

  test('the attempt number never falls', () => {
    fc.assert(
      fc.property(heard, ({ shuffled }) => {
        const attempts = fold(trialRecord({ state: 'dispatched' }), shuffled).map(({ attempt }) => attempt);

        expect(attempts).toEqual([...attempts].sort((a, b) => a - b));
      }),
    );
  });
});
