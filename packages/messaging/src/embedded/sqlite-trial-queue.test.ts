import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SweepId, TrialId } from '@adctl/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../contracts/index.js';
import { Database } from './database.js';
import { SqliteTrialQueue } from './sqlite-trial-queue.js';

/** A database whose confirmations come when the test lets them. */
class HeldDatabase extends Database {
  held: Promise<void> = Promise.resolve();

  override async write<T>(action: () => T): Promise<T> {
    const value = await super.write(action);
    await this.held;
    return value;
  }
}

let directory: string;
let database: HeldDatabase;
let clock: ManualClock;
let queue: SqliteTrialQueue;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'adctl-queue-'));
  database = new HeldDatabase(join(directory, 'messaging.sqlite'));
  clock = createManualClock();
  queue = new SqliteTrialQueue(database, { clock, ackWaitMs: 100, duplicateWindowMs: 1_000 });
});
afterEach(() => {
  queue.close();
  database.close();
  rmSync(directory, { recursive: true });
});

const publish = (trial: string) =>
  queue.publish({
    class: 'cpu',
    priority: 'normal',
    messageId: trial,
    assignment: { version: 1, sweep: SweepId.parse('s'), trial: TrialId.parse(trial), generation: 0, specKey: 'k' },
  });

it('gives a message back at once when its taker gave up before the claim was confirmed', async () => {
  await publish('t1');
  const stop = new AbortController();
  const confirm = Promise.withResolvers<void>();
  database.held = confirm.promise;
  const waiting = queue.next({ class: 'cpu', waitMs: 1_000, signal: stop.signal });
  await expect.poll(async () => (await queue.contents())[0]?.inFlight).toBe(true);
  stop.abort();
  confirm.resolve();

  expect(await waiting).toBeNull();
  expect((await queue.next({ class: 'cpu', waitMs: 1_000 }))?.deliveries).toBe(2);
});

it('serves what runs out of its ack wait before what is newer', async () => {
  await publish('t1');
  await queue.next({ class: 'cpu', waitMs: 0 });
  await publish('t2');
  clock.advance(100);

  expect((await queue.next({ class: 'cpu', waitMs: 0 }))?.assignment.trial).toBe('t1');
  expect((await queue.next({ class: 'cpu', waitMs: 0 }))?.assignment.trial).toBe('t2');
});

it('keeps no timer when nobody waits any more', async () => {
  await publish('t1');
  await queue.next({ class: 'cpu', waitMs: 0 });
  const timers = new Set<() => void>();
  const counting = {
    ...clock,
    after(delayMs: number, callback: () => void) {
      const cancel = clock.after(delayMs, callback);
      timers.add(cancel);
      return () => {
        timers.delete(cancel);
        cancel();
      };
    },
  };
  const other = new SqliteTrialQueue(database, { clock: counting, ackWaitMs: 100, duplicateWindowMs: 1_000 });
  const stop = new AbortController();
  const waiting = other.next({ class: 'cpu', waitMs: 1_000, signal: stop.signal });
  await expect.poll(() => timers.size).toBe(2); // its own end, and the expiry of the message in flight
  stop.abort();

  expect(await waiting).toBeNull();
  expect(timers.size).toBe(0);
});
