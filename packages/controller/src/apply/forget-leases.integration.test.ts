import { type BucketName, type Messaging, STATE_BUCKETS, type StateBucket } from '@adctl/messaging';
import { findNatsBinaries } from '@adctl/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startNatsBench } from '../testing/nats-bench.fixtures.js';
import { startScriptedWorker } from '../testing/scripted-worker.fixtures.js';

const binaries = await findNatsBinaries();

describe.each(['old', 'newest'] as const)('a new leader over the %s nats-server', (which) => {
  const binary = binaries[which];
  let bench: Awaited<ReturnType<typeof startNatsBench>>;

  beforeAll(async () => {
    if (!('missing' in binary)) bench = await startNatsBench({ program: binary.path, classes: ['cpu'] });
  });
  afterAll(() => bench?.close());

  test.skipIf('missing' in binary)('reads as much after many ended trials as after few', async () => {
    const { messaging, objects, signal } = bench;
    const start = (over: Messaging) => bench.start({ messaging: over, expectedSlots: { cpu: 8 } });
    await startScriptedWorker({ messaging, objects, slots: 8, signal });
    const leases = messaging.state.bucket('lease');
    /** Runs a sweep to its end. @returns what a controller that starts afterwards reads, by bucket. */
    const readAfter = async (learningRates: readonly number[]) => {
      const controller = await start(messaging);
      const { sweep, searchTrials } = await bench.submit(controller, { learningRates });
      const state = async () => (await messaging.state.bucket('sweep').get(sweep))?.value;
      await expect.poll(state, { timeout: 30_000 }).toMatchObject({ state: 'completed' });
      await expect.poll(() => leases.entries(sweep), { timeout: 10_000 }).toEqual([]);
      await controller.close();
      expect(searchTrials).toBe(learningRates.length);
      expect(await leases.purge(sweep, 1_000_000)).toBe(0); // no mark of a deleted one either
      const { counted, read } = counting(messaging);
      await (await start(counted)).close();
      return read;
    };

    const few = await readAfter([0.001]);
    const many = await readAfter(Array.from({ length: 120 }, (_, index) => 0.001 * (index + 2)));

    expect(few).toMatchObject({ sweep: 1, lease: 0, trial: 0, identity: 0 });
    expect(many).toEqual({ ...few, sweep: 2 });
  });
});

/** Counts what is read of each bucket at once. */
function counting(messaging: Messaging) {
  const names = Object.keys(STATE_BUCKETS) as BucketName[];
  const read: Record<string, number> = Object.fromEntries(names.map((name) => [name, 0]));
  const wrap = (name: BucketName): StateBucket => {
    const bucket = messaging.state.bucket(name);
    const count = (items: number) => {
      read[name] = (read[name] ?? 0) + items;
    };
    return {
      get: (key) => bucket.get(key),
      create: (key, value) => bucket.create(key, value),
      update: (key, value, revision) => bucket.update(key, value, revision),
      put: (key, value) => bucket.put(key, value),
      delete: (key, revision) => bucket.delete(key, revision),
      purge: (prefix, revision) => bucket.purge(prefix, revision),
      async entries(prefix) {
        const entries = await bucket.entries(prefix);
        count(entries.length);
        return entries;
      },
      async *watch(prefix, signal) {
        for await (const change of bucket.watch(prefix, signal)) {
          if (change !== 'ready') count(1);
          yield change;
        }
      },
    };
  };
  const { queue, events, control } = messaging;
  const counted: Messaging = {
    ...{ queue, events, control, closed: messaging.closed, state: { bucket: wrap } },
    contact: () => messaging.contact(),
    close: () => messaging.close(),
  };
  return { counted, read };
}
