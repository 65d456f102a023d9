import { AdctlError, attemptsPrefix, resultsPrefix, type SweepId } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';
import { beforeEach, describe, expect, test } from 'vitest';
import { NO_MEASURES } from './metrics/metrics.js';
import { completes, SMALL, useBench } from './testing/bench.fixtures.js';
import { ended, fakeDatasets, sweepFile } from './testing/test-deployment.fixtures.js';

const bench = useBench({ ackWaitMs: 400 });
const OTHER = sweepFile({ name: 'other', learningRates: [0.003], normal: [8] });

/** What the store does not answer for. */
let away: string | undefined;
let failures: string[];

/** A store that is away for everything below a prefix. */
function partlyAway(objects: ObjectStore): ObjectStore {
  const ask = <T>(key: string, step: () => Promise<T>): Promise<T> => {
    if (away === undefined || !key.startsWith(away)) return step();
    return Promise.reject(new AdctlError('away', { code: 'storage_unreachable', kind: 'transient' }));
  };
  return {
    put: (key, content, options) => ask(key, () => objects.put(key, content, options)),
    get: (key) => ask(key, () => objects.get(key)),
    read: (key) => objects.read(key),
    head: (key) => ask(key, () => objects.head(key)),
    list: (prefix, options) => objects.list(prefix, options),
    delete: (key, options) => objects.delete(key, options),
    createMultipart: (key, options) => objects.createMultipart(key, options),
    resumeMultipart: (key, uploadId) => objects.resumeMultipart(key, uploadId),
  };
}

beforeEach(async () => {
  away = undefined;
  failures = [];
  await bench.restart({
    wrap: ({ messaging, objects }) => ({ messaging, objects: partlyAway(objects) }),
    measures: { ...NO_MEASURES, failed: (reason) => failures.push(reason) },
  });
});

async function submitted(): Promise<SweepId> {
  const { sweep } = await bench.deployment.submit(SMALL);
  await bench.deployment.until(sweep, ({ counts }) => counts.dispatched === 2);
  return sweep;
}

async function othersComplete(): Promise<void> {
  const { sweep } = await bench.deployment.submit(OTHER);
  expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed' });
}

describe('what one sweep cannot get from the store holds up no other, and is tried again', () => {
  test('results of cancelled trials', async () => {
    const sweep = await submitted();
    away = resultsPrefix(sweep);
    await bench.deployment.request('sweeps.cancel', { sweep, now: true });
    await expect.poll(() => failures).toContain('storage_unreachable');
    await bench.startWorker(() => completes);

    await othersComplete();
    expect(await bench.show(sweep)).toMatchObject({ state: 'search', counts: { cancelled: 0 } });

    away = undefined;
    expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'cancelled', counts: { cancelled: 2 } });
  });

  test('records of failed attempts', async () => {
    const sweep = await submitted();
    away = attemptsPrefix(sweep);
    await bench.startWorker(
      () => (_index, attempt) => (attempt === 1 ? { does: 'fail', class: 'infra' } : { does: 'complete' }),
    );
    await expect.poll(() => failures).toContain('storage_unreachable');

    await bench.deployment.submit(OTHER).then(({ sweep: other }) => bench.deployment.until(other, ended));
    expect(await bench.show(sweep)).toMatchObject({ counts: { completed: 0 } });
    expect(bench.deployment.controller.stopped.aborted).toBe(false);

    away = undefined;
    expect(await bench.deployment.until(sweep, ended)).toMatchObject({ state: 'completed' });
    expect((await bench.list(sweep))[0]!.failures).toMatchObject([{ attempt: 1, class: 'infra' }]);
  });
});

test('while the images of one sweep are hashed, everybody else is served', async () => {
  const hashed = Promise.withResolvers<void>();
  const look: typeof fakeDatasets.look = async (wanted) => {
    if (wanted.root !== undefined) await hashed.promise;
    return fakeDatasets.look(wanted);
  };
  await bench.restart({ reading: { datasets: { ...fakeDatasets, look } } });
  await bench.startWorker(() => completes);
  const slow = bench.deployment.submit(SMALL.replace('name: mnist', 'name: mnist, root: /images'));

  await othersComplete();
  hashed.resolve();

  expect(await slow).toMatchObject({ created: true });
});
