import { describe, expect, it } from 'vitest';
import { createManualClock } from '../contracts/index.js';
import { Mailbox } from './mailbox.js';

describe('mailbox', () => {
  const never = new AbortController().signal;

  it('gives what came, oldest first', async () => {
    const mailbox = new Mailbox<number>();
    mailbox.put(1);
    mailbox.put(2);

    expect(await mailbox.take(createManualClock(), 0, never)).toBe(1);
    expect(mailbox.rest()).toEqual([2]);
  });

  it('wakes whoever waits', async () => {
    const mailbox = new Mailbox<number>();
    const taken = mailbox.take(createManualClock(), 1_000, never);
    mailbox.put(7);

    expect(await taken).toBe(7);
  });

  it('gives nothing when the time is over or the wait is aborted', async () => {
    const clock = createManualClock();
    const mailbox = new Mailbox<number>();
    const stop = new AbortController();
    const late = mailbox.take(clock, 1_000, never);
    clock.advance(1_000);
    expect(await late).toBeUndefined();

    const aborted = mailbox.take(clock, 1_000, stop.signal);
    stop.abort();
    expect(await aborted).toBeUndefined();
    expect(await mailbox.take(clock, 1_000, stop.signal)).toBeUndefined();
  });
});
