import { expect, test } from 'vitest';
import { type RetryContext, RetryLoop, type RetryPolicy } from './retry.js';

const place = { operation: 'GetObject', url: 's3://bucket/k', endpoint: 'AWS' };
const refused = Object.assign(new Error('no answer'), { code: 'ECONNREFUSED' });
const throttled = Object.assign(new Error('slow down'), { name: 'SlowDown' });
const unreachable = { code: 'storage_unreachable', kind: 'transient' };

/** A loop over a clock that only pauses move on. */
function loopOf(policy: Partial<RetryPolicy>) {
  let nowMs = 0;
  const pass = (ms: number) => {
    nowMs += ms;
  };
  const context: RetryContext = {
    policy: { firstDelayMs: 1_000, longestDelayMs: 60_000, deadlineMs: 10_000, ...policy },
    clock: { now: () => nowMs, sleep: async (ms) => pass(ms) },
    random: () => 0.5,
    maxParallel: 4,
    onRetry: undefined,
  };
  const loop = new RetryLoop(context);
  let tries = 0;
  const ask = async (answer: unknown) => {
    tries = 0;
    return loop.run(place, async () => {
      tries += 1;
      if (answer instanceof Error) throw answer;
      return answer;
    });
  };
  return { ask, pass, tries: () => tries, now: () => nowMs };
}

test('a store that was given up is not asked by others, but for one every five seconds, until it answers', async () => {
  const { ask, pass, tries, now } = loopOf({ giveUpTogether: true });

  await expect(ask(refused)).rejects.toMatchObject(unreachable);
  expect(now()).toBe(10_000);
  expect(tries()).toBeGreaterThan(3);
  await expect(ask('content')).rejects.toMatchObject(unreachable);
  expect(tries()).toBe(0);
  expect(now()).toBe(10_000);

  pass(5_000);
  await expect(ask(refused)).rejects.toMatchObject(unreachable);
  expect(tries()).toBe(1);
  await expect(ask('content')).rejects.toMatchObject(unreachable);
  expect(tries()).toBe(0);

  pass(5_000);
  expect(await ask('content')).toBe('content');
  expect(await ask('content')).toBe('content');
});

test('a store that asks for less is one that answers', async () => {
  const { ask } = loopOf({ giveUpTogether: true });

  await expect(ask(throttled)).rejects.toMatchObject({ code: 'storage_throttled' });
  expect(await ask('content')).toBe('content');
});

test('patient callers each wait for themselves', async () => {
  const { ask, now } = loopOf({});

  await expect(ask(refused)).rejects.toMatchObject(unreachable);
  await expect(ask(refused)).rejects.toMatchObject(unreachable);
  expect(now()).toBe(20_000);
  expect(await ask('content')).toBe('content');
});
