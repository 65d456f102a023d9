import { setImmediate as turn } from 'node:timers/promises';
import { createManualClock } from '@adctl/messaging/contracts';
import { AdctlError } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { retryTransient } from './retry.js';

const transient = () => new AdctlError('later', { code: 'later', kind: 'transient' });
const never = new AbortController().signal;

/** Fails as told, then succeeds; counts the calls. */
function failing(errors: Error[]) {
  const calls = { count: 0 };
  const operation = async () => {
    calls.count += 1;
    const error = errors.shift();
    if (error !== undefined) throw error;
    return 'done';
  };
  return { calls, operation };
}

describe('retryTransient', () => {
  test('pauses twice as long after every failure', async () => {
    const clock = createManualClock();
    const { calls, operation } = failing([transient(), transient()]);
    const result = retryTransient(operation, { clock, signal: never, pauseMs: 100 });
    const counts: number[] = [];
    for (const ms of [0, 99, 1, 199, 1]) {
      clock.advance(ms);
      await turn();
      counts.push(calls.count);
    }

    expect(counts).toEqual([1, 1, 2, 2, 3]);
    expect(await result).toBe('done');
  });

  test('hands on what waiting will not mend', async () => {
    const { calls, operation } = failing([new Error('broken')]);

    await expect(retryTransient(operation, { clock: createManualClock(), signal: never })).rejects.toThrow('broken');
    expect(calls.count).toBe(1);
  });

  test('stops waiting when the signal is aborted, with its reason', async () => {
    const abort = new AbortController();
    const { operation } = failing([transient()]);
    const result = retryTransient(operation, { clock: createManualClock(), signal: abort.signal });

    await turn();
    abort.abort(new Error('the claim is gone'));

    await expect(result).rejects.toThrow('the claim is gone');
  });
});
