import { type Lease, ResultEvent, WorkerId } from '@adctl/protocol';
import { writeResultOnce } from '@adctl/storage';
import { describe, expect, test } from 'vitest';
import { completes, SMALL, useBench } from './testing/bench.fixtures.js';
import { makeResult } from './testing/scripted-worker.fixtures.js';
import { ended } from './testing/test-deployment.fixtures.js';

const bench = useBench({ ackWaitMs: 400 });

describe('what was lost behind the controller comes back', () => {
  test('every message of the queue', async () => {
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ({ counts }) => counts.dispatched === 2);

    for (const { sequence } of await bench.deployment.messaging.queue.contents()) {
      await bench.deployment.messaging.queue.remove(sequence);
    }
    const worker = await bench.startWorker(() => completes);
    const summary = await bench.deployment.until(sweep, ended);

    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4 } });
    expect(worker.claims).toHaveLength(4);
  });

  test('a lease, with the message and the worker', async () => {
    const worker = await bench.startWorker(
      () => (index, attempt) => (index === 0 && attempt === 1 ? { does: 'vanish' } : { does: 'complete' }),
    );
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ({ counts }) => counts.running === 1 && counts.completed === 1);
    const [lost] = await bench.list(sweep);

    await bench.deployment.messaging.state.bucket('lease').delete(`${sweep}.${lost!.trial}`);
    for (const { sequence } of await bench.deployment.messaging.queue.contents()) {
      await bench.deployment.messaging.queue.remove(sequence);
    }
    const summary = await bench.deployment.until(sweep, ended);

    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4 } });
    const attempts = worker.claims.filter(({ spec }) => spec.trial === lost!.trial).map(({ attempt }) => attempt);
    expect(attempts[0]).toBe(1);
    expect(attempts.at(-1)).toBeGreaterThan(1);
    expect(new Set(attempts).size).toBe(attempts.length);
  });

  test('an event: the result is found in the object store, counts as it is, and is told of', async () => {
    const { sweep } = await bench.deployment.submit(SMALL);
    await bench.deployment.until(sweep, ({ counts }) => counts.dispatched === 2);
    const delivery = (await bench.deployment.messaging.queue.next({ class: 'cpu', waitMs: 5_000 }))!;
    const { trial, spec } = delivery.assignment;
    const worker = WorkerId.parse('w-silent');
    const lease: Lease = { version: 1, attempt: 1, worker, renewedAt: new Date().toISOString() };
    await bench.deployment.messaging.state.bucket('lease').create(`${sweep}.${trial}`, lease);
    await bench.deployment.until(sweep, ({ counts }) => counts.running === 1);

    // The worker stores its result and dies before it tells anybody.
    await writeResultOnce(
      bench.deployment.objects,
      makeResult(spec!, { state: 'completed', worker, attempt: 1, generation: 0 }),
    );
    await delivery.ack();
    await bench.deployment.until(sweep, ({ counts }) => counts.completed === 1);

    const record = (await bench.list(sweep)).find((one) => one.trial === trial);
    expect(record).toMatchObject({ state: 'completed', attempt: 1, worker, failures: [] });
    const told: ResultEvent[] = [];
    for await (const { data } of bench.deployment.messaging.events.read(`result.${sweep}.${trial}.>`)) {
      told.push(ResultEvent.parse(data));
    }
    expect(told).toMatchObject([{ attempt: 1, resultKey: record?.resultKey }]);
  });
});
