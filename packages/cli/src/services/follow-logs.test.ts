import { type LogLine, SweepId, TrialId } from '@adctl/protocol';
import { expect, test } from 'vitest';
import { createFakeClient } from '../testing/fake-client.fixtures.js';
import { followLogs } from './follow-logs.js';

const SWEEP = SweepId.parse('toy-00000000');
const TRIAL = TrialId.parse('t000000-00000000');
const line = (message: string, attempt = 1): LogLine => ({
  version: 1,
  sweep: SWEEP,
  trial: TRIAL,
  attempt,
  at: new Date(attempt * 1_000).toISOString(),
  level: 'info',
  message,
});

/** Follows a trial that ends after two looks; live lines come between them. */
async function follow(attempt?: number, stopAtOnce = false): Promise<string[]> {
  const told: string[] = [];
  const stop = new AbortController();
  if (stopAtOnce) stop.abort();
  let looks = 0;
  let stored = [line('first attempt')];
  const client = createFakeClient({
    'trials.logs': () => stored,
    'trials.why': () => {
      looks += 1;
      const isOver = looks > 2;
      if (isOver) stored = [line('first attempt'), line('said and stored', 2), line('missed', 2)];
      return { version: 1, trial: TRIAL, state: isOver ? 'completed' : 'running', reasons: [] };
    },
  });
  const pace = {
    now: () => looks,
    async wait() {
      client.publish(`log.${SWEEP}.${TRIAL}`, line('said and stored', 2));
    },
  };
  await followLogs({
    client,
    sweep: SWEEP,
    trial: TRIAL,
    attempt,
    onLine: ({ message }) => told.push(message),
    pace,
    signal: stop.signal,
  });
  expect(client.listening.size).toBe(0);
  return told;
}

test('tells stored lines, then live ones, then what was missed, each once', async () => {
  expect(await follow()).toEqual(['first attempt', 'said and stored', 'missed']);
});

test('keeps to one attempt when asked', async () => {
  expect(await follow(2)).toEqual(['said and stored', 'missed']);
});

test('stops when asked, with what is stored', async () => {
  expect(await follow(undefined, true)).toEqual(['first attempt']);
});
