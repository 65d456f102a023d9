import { findNatsBinaries } from '@adctl/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_MEASURES, type Stranger } from './metrics/metrics.js';
import { startNatsBench } from './testing/nats-bench.fixtures.js';
import { startScriptedWorker } from './testing/scripted-worker.fixtures.js';

const ACK_WAIT_MS = 2_000;
const binaries = await findNatsBinaries();
const binary = 'missing' in binaries.newest ? binaries.old : binaries.newest;

describe.skipIf('missing' in binary)('what cannot be read on a real nats-server', () => {
  let bench: Awaited<ReturnType<typeof startNatsBench>>;

  beforeAll(async () => {
    if ('missing' in binary) return;
    bench = await startNatsBench({ program: binary.path, classes: ['cpu', 'gpu'], ackWaitMs: ACK_WAIT_MS });
  });
  afterAll(() => bench?.close());

  test('ends no controller, neither one that runs nor one that starts, and every sweep gets done', async () => {
    const { messaging, objects, signal } = bench;
    const strangers: Stranger[] = [];
    const measures = { ...NO_MEASURES, notUnderstood: (what: Stranger) => strangers.push(what) };
    const start = () => bench.start({ expectedSlots: { cpu: 2 }, measures });
    const submit = (controller: Awaited<ReturnType<typeof start>>, name: string) =>
      bench.submit(controller, { name, learningRates: [0.001] });
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
    await startScriptedWorker({ messaging, objects, ackWaitMs: ACK_WAIT_MS, signal });
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
