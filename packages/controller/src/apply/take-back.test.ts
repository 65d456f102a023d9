import { attemptRecordKey, type Lease, type TrialId, WorkerId } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';
import { expect, test } from 'vitest';
import { SMALL, useBench } from '../testing/bench.fixtures.js';
import { failedAttempt } from '../testing/records.fixtures.js';

const bench = useBench({ ackWaitMs: 400 });

test('an attempt whose record comes between the first look and the fence is not taken for lost', async () => {
  let late: string | undefined;
  /** The dying worker is faster than the fence: its record is there a moment after somebody looked for it. */
  const withLateRecord = (objects: ObjectStore): ObjectStore => ({
    put: (key, content, options) => objects.put(key, content, options),
    async get(key) {
      const seen = await objects.get(key);
      if (key === late && seen === null)
        await objects.put(key, Buffer.from(JSON.stringify(failedAttempt(1, 'oom-gpu'))));
      return seen;
    },
    read: (key) => objects.read(key),
    head: (key) => objects.head(key),
    list: (prefix, options) => objects.list(prefix, options),
    delete: (key) => objects.delete(key),
    createMultipart: (key, options) => objects.createMultipart(key, options),
    resumeMultipart: (key, uploadId) => objects.resumeMultipart(key, uploadId),
  });
  await bench.restart({ wrap: ({ messaging, objects }) => ({ messaging, objects: withLateRecord(objects) }) });
  const { sweep } = await bench.deployment.submit(SMALL);
  await bench.deployment.until(sweep, ({ counts }) => counts.dispatched === 2);
  const delivery = await bench.deployment.messaging.queue.next({ class: 'cpu', waitMs: 5_000 });
  const trial: TrialId = delivery!.assignment.trial;
  late = attemptRecordKey(sweep, trial, 0, 1);
  const lease: Lease = {
    version: 1,
    attempt: 1,
    worker: WorkerId.parse('w-dying'),
    renewedAt: new Date().toISOString(),
  };
  await bench.deployment.messaging.state.bucket('lease').create(`${sweep}.${trial}`, lease);
  await delivery!.ack();
  await bench.deployment.until(sweep, ({ counts }) => counts.running === 1);

  await bench.deployment.until(sweep, ({ counts }) => counts.running === 0);

  const record = (await bench.list(sweep)).find((one) => one.trial === trial);
  expect(record!.failures).toMatchObject([{ attempt: 1, class: 'oom-gpu', failure: { code: 'code_1' } }]);
});
