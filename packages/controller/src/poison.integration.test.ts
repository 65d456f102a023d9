import { join } from 'node:path';
import type { Messaging } from '@adctl/messaging';
import { connectNats, prepareNats } from '@adctl/messaging/nats';
import { findMethod } from '@adctl/methods';
import { sha256 } from '@adctl/protocol';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { findNatsBinaries, type NatsServer, startNatsServer } from '@adctl/testkit';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Controller, startController } from './controller.js';
import { submitSweep } from './intake.js';
import { NO_MEASURES, type Stranger } from './metrics/metrics.js';
import { startScriptedWorker } from './testing/scripted-worker.fixtures.js';
import { sweepFile, temporaryDirectory, testReading } from './testing/test-deployment.fixtures.js';

const ACK_WAIT_MS = 2_000;
const binaries = await findNatsBinaries();
const binary = 'missing' in binaries.newest ? binaries.old : binaries.newest;

describe.skipIf('missing' in binary)('what cannot be read on a real nats-server', () => {
  let server: NatsServer;
  let messaging: Messaging;
  let folder: ReturnType<typeof temporaryDirectory>;
  const stop = new AbortController();

  beforeAll(async () => {
    if ('missing' in binary) return;
    folder = temporaryDirectory();
    server = await startNatsServer({ path: binary.path });
    const options = { servers: [server.url], role: 'controller', identity: 'controller' } as const;
    await prepareNats({ ...options, classes: ['cpu', 'gpu'], settings: { ackWaitMs: ACK_WAIT_MS } });
    messaging = await connectNats(options);
  });
  afterAll(async () => {
    stop.abort();
    await messaging?.close();
    await server?.remove();
    folder?.remove();
  });

  test('ends no controller, neither one that runs nor one that starts, and every sweep gets done', async () => {
    const objects = createFilesystemStore(join(folder.directory, 'objects'));
    const strangers: Stranger[] = [];
    const start = () =>
      startController({
        messaging,
        objects,
        findCard: findMethod,
        codeVersionOf: () => sha256('code'),
        logger: pino({ level: 'silent' }),
        ackWaitMs: ACK_WAIT_MS,
        expectedSlots: { cpu: 2 },
        measures: { ...NO_MEASURES, notUnderstood: (what) => strangers.push(what) },
      });
    const submit = (controller: Controller, name: string) =>
      submitSweep(
        controller,
        {
          version: 1,
          source: sweepFile({ name, learningRates: [0.001], normal: [8] }),
          file: 'toy.yaml',
          directory: folder.directory,
          fresh: true,
          ifActive: 'join',
          priority: 'normal',
        },
        'ann',
        testReading,
      );
    const first = await start();
    const { sweep } = await submit(first, 'first');
    await expect.poll(() => [...(first.context.books.get(sweep)?.entries() ?? [])][0]?.record.state).toBe('dispatched');
    const [{ record } = { record: undefined }] = first.context.books.get(sweep)!.entries();
    const { trial } = record!;

    const leases = messaging.state.bucket('lease');
    await leases.put('Bad.key', 1);
    await leases.put(`${sweep}.${trial}`, 'no lease');
    const about = { version: 1, sweep, trial, generation: 0, attempt: 1 };
    await messaging.events.append(`attempt.${sweep}.${trial}.0.1`, { ...about, type: 'attempt', recordKey: '../x' });
    await messaging.events.append(`result.${sweep}.${trial}.0.1`, 'not even that');
    const assignment = JSON.parse('{"version":2,"sweep":"newer-12345678","trial":"t000000-12345678"}');
    await messaging.queue.publish({ class: 'gpu', priority: 'high', messageId: 'newer', assignment });
    await expect
      .poll(() => strangers.toSorted(), { timeout: 10_000 })
      .toEqual([...['event', 'event', 'lease', 'lease', 'queue-message']]);
    expect(first.stopped.aborted).toBe(false);
    await first.close();
    await leases.put(`${sweep}.${trial}`, 'again');
    strangers.length = 0;

    const second = await start();
    await expect
      .poll(async () => (await leases.get(`${sweep}.${trial}`))?.value, { timeout: 10_000 })
      .toMatchObject({
        worker: 'controller',
      });
    expect(strangers.toSorted()).toEqual(['lease', 'lease', 'queue-message']);
    await startScriptedWorker({ messaging, objects, ackWaitMs: ACK_WAIT_MS, signal: stop.signal });
    const { sweep: other } = await submit(second, 'second');
    for (const one of [sweep, other]) {
      const state = async () => (await messaging.state.bucket('sweep').get(one))?.value;
      await expect.poll(state, { timeout: 20_000 }).toMatchObject({ state: 'completed' });
    }
    expect(await messaging.queue.contents()).toMatchObject([{ sweep: 'newer-12345678', assignment: undefined }]);
    expect(second.stopped.aborted).toBe(false);
    await second.close();
  });
});
