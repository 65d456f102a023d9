import { join } from 'node:path';
import { type BucketName, type Messaging, STATE_BUCKETS, type StateBucket } from '@adctl/messaging';
import { connectNats, prepareNats } from '@adctl/messaging/nats';
import { findMethod } from '@adctl/methods';
import { sha256 } from '@adctl/protocol';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { findNatsBinaries, type NatsServer, startNatsServer } from '@adctl/testkit';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startController } from '../controller.js';
import { submitSweep } from '../intake.js';
import { startScriptedWorker } from '../testing/scripted-worker.fixtures.js';
import { sweepFile, temporaryDirectory, testReading } from '../testing/test-deployment.fixtures.js';

const binaries = await findNatsBinaries();

describe.each(['old', 'newest'] as const)('a new leader over the %s nats-server', (which) => {
  const binary = binaries[which];
  let server: NatsServer;
  let messaging: Messaging;
  let folder: ReturnType<typeof temporaryDirectory>;
  const stop = new AbortController();

  beforeAll(async () => {
    if ('missing' in binary) return;
    folder = temporaryDirectory();
    server = await startNatsServer({ path: binary.path });
    const options = { servers: [server.url], role: 'controller', identity: 'controller' } as const;
    await prepareNats({ ...options, classes: ['cpu'] });
    messaging = await connectNats(options);
  });
  afterAll(async () => {
    stop.abort();
    await messaging?.close();
    await server?.remove();
    folder?.remove();
  });

  test.skipIf('missing' in binary)('reads as much after many ended trials as after few', async () => {
    const objects = createFilesystemStore(join(folder.directory, 'objects'));
    const start = (over: Messaging) =>
      startController({
        messaging: over,
        objects,
        findCard: findMethod,
        codeVersionOf: () => sha256('code'),
        logger: pino({ level: 'silent' }),
        expectedSlots: { cpu: 8 },
      });
    await startScriptedWorker({ messaging, objects, slots: 8, signal: stop.signal });
    const leases = messaging.state.bucket('lease');
    /** Runs a sweep to its end. @returns what a controller that starts afterwards reads, by bucket. */
    const readAfter = async (learningRates: readonly number[]) => {
      const controller = await start(messaging);
      const { sweep, searchTrials } = await submitSweep(
        controller,
        {
          version: 1,
          source: sweepFile({ learningRates, normal: [8] }),
          file: 'toy.yaml',
          directory: folder.directory,
          fresh: true,
          ifActive: 'join',
          priority: 'normal',
        },
        'ann',
        testReading,
      );
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
