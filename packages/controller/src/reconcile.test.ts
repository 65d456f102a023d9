import { type Lease, type SweepId, type TrialSummary, WorkerId } from '@adctl/protocol';
import { writeResultOnce } from '@adctl/storage';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeResult, startScriptedWorker } from './testing/scripted-worker.fixtures.js';
import {
  ended,
  startDeployment,
  sweepFile,
  type TestDeployment,
  temporaryDirectory,
} from './testing/test-deployment.fixtures.js';

const ACK_WAIT_MS = 400;
/** Two configurations of one class: 2 search and 2 report trials, one slot. */
const SMALL = sweepFile({ learningRates: [0.001, 0.002], normal: [8], seeds: { search: 1, report: 2, finalists: 1 } });
let folder: ReturnType<typeof temporaryDirectory>;
let deployment: TestDeployment;
let stop: AbortController;

beforeEach(async () => {
  folder = temporaryDirectory();
  stop = new AbortController();
  deployment = await startDeployment({ directory: folder.directory, ackWaitMs: ACK_WAIT_MS });
});

afterEach(async () => {
  stop.abort();
  await deployment.close();
  folder.remove();
});

const startWorker = (script: Parameters<typeof startScriptedWorker>[0]['script']) =>
  startScriptedWorker({ ...deployment, ackWaitMs: ACK_WAIT_MS, signal: stop.signal, ...(script ? { script } : {}) });
const list = (sweep: SweepId) => deployment.request<TrialSummary[]>('trials.list', { sweep });

describe('what was lost behind the controller comes back', () => {
  test('every message of the queue', async () => {
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ({ counts }) => counts.dispatched === 2);

    for (const { sequence } of await deployment.messaging.queue.contents()) {
      await deployment.messaging.queue.remove(sequence);
    }
    const worker = await startWorker(undefined);
    const summary = await deployment.until(sweep, ended);

    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4 } });
    expect(worker.claims).toHaveLength(4);
  });

  test('a lease, with the message and the worker', async () => {
    const worker = await startWorker(({ index }, attempt) =>
      index === 0 && attempt === 1 ? { does: 'vanish' } : { does: 'complete' },
    );
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ({ counts }) => counts.running === 1 && counts.completed === 1);
    const [lost] = await list(sweep);

    await deployment.messaging.state.bucket('lease').delete(`${sweep}.${lost!.trial}`);
    for (const { sequence } of await deployment.messaging.queue.contents()) {
      await deployment.messaging.queue.remove(sequence);
    }
    const summary = await deployment.until(sweep, ended);

    expect(summary).toMatchObject({ state: 'completed', counts: { completed: 4 } });
    const attempts = worker.claims.filter(({ spec }) => spec.trial === lost!.trial).map(({ attempt }) => attempt);
    expect(attempts[0]).toBe(1);
    expect(attempts.at(-1)).toBeGreaterThan(1);
    expect(new Set(attempts).size).toBe(attempts.length);
  });

  test('an event: the result is found in the object store, and counts as it is', async () => {
    const { sweep } = await deployment.submit(SMALL);
    await deployment.until(sweep, ({ counts }) => counts.dispatched === 2);
    const delivery = (await deployment.messaging.queue.next({ class: 'cpu', waitMs: 5_000 }))!;
    const { trial, spec } = delivery.assignment;
    const worker = WorkerId.parse('w-silent');
    const lease: Lease = { attempt: 1, worker, renewedAt: new Date().toISOString() };
    await deployment.messaging.state.bucket('lease').create(`${sweep}.${trial}`, lease);
    await deployment.until(sweep, ({ counts }) => counts.running === 1);

    // The worker stores its result and dies before it tells anybody.
    await writeResultOnce(
      deployment.objects,
      makeResult(spec!, { state: 'completed', worker, attempt: 1, generation: 0 }),
    );
    await delivery.ack();
    await deployment.until(sweep, ({ counts }) => counts.completed === 1);

    const record = (await list(sweep)).find((one) => one.trial === trial);
    expect(record).toMatchObject({ state: 'completed', attempt: 1, worker, failures: [] });
  });
});
