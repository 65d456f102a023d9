import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createManualClock, type ManualClock } from '@adctl/messaging/contracts';
import { type EmbeddedMessaging, openEmbedded } from '@adctl/messaging/embedded';
import { AdctlError, LogLine, MetricBatch } from '@adctl/protocol';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AttemptOutput, createAttemptOutput } from './attempt-output.js';
import { parseWorkerConfig } from './config.js';
import { runningRecord, SWEEP, TRIAL } from './testing/running-record.fixtures.js';

let directory: string;
let clock: ManualClock;
let messaging: EmbeddedMessaging;
let output: AttemptOutput;
/** Whether the far side can be reached. */
let isReachable: boolean;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'adctl-output-'));
  clock = createManualClock();
  messaging = openEmbedded({ directory, clock });
  isReachable = true;
  const { events } = messaging;
  const cut = () => new AdctlError('away', { code: 'controller_unreachable', kind: 'transient' });
  const record = runningRecord(1);
  output = createAttemptOutput(
    {
      messaging: {
        ...messaging,
        events: {
          append: (...args) => (isReachable ? events.append(...args) : Promise.reject(cut())),
          appendAll: (all) => events.appendAll(all),
          read: (filter, options) => events.read(filter, options),
          follow: (filter, options) => events.follow(filter, options),
          purge: (filter) => events.purge(filter),
        },
      },
      config: parseWorkerConfig({ ADCTL_DIRECTORY: directory, ADCTL_TRAINER: 'noop' }),
      clock,
      logger: pino({ level: 'silent' }),
    },
    { record, number: 1, lost: new AbortController().signal },
  );
});
afterEach(async () => {
  await messaging.close();
  rmSync(directory, { recursive: true });
});

/** Moves time, letting what it set off come to its end. */
async function advance(ms: number): Promise<void> {
  clock.advance(ms);
  for (let i = 0; i < 10; i++) await turn();
}

async function sentBatches(): Promise<MetricBatch[]> {
  const batches: MetricBatch[] = [];
  for await (const { data } of messaging.events.read(`metric.${SWEEP}.${TRIAL}`)) batches.push(MetricBatch.parse(data));
  return batches;
}

describe('the curve of an attempt', () => {
  test('goes out in columns, about once a second', async () => {
    output.row(1, { loss: 0.5 });
    output.row(2, { loss: 0.25, 'selection.auroc': 0.75 });
    await advance(1_000);

    expect(await sentBatches()).toMatchObject([
      { epochs: [1, 2], columns: { loss: [0.5, 0.25], 'selection.auroc': [null, 0.75] } },
    ]);
  });

  test('waits through an outage and comes in order, however many rows there are', async () => {
    isReachable = false;
    for (let epoch = 1; epoch <= 2_500; epoch++) {
      output.row(epoch, { loss: epoch });
      if (epoch === 1) await advance(1_000); // the first one is on its way, in vain
    }
    isReachable = true;
    const flushed = output.flush();
    await advance(10_000);
    await flushed;

    const batches = await sentBatches();
    expect(batches.flatMap(({ epochs }) => epochs)).toEqual(Array.from({ length: 2_500 }, (_, index) => index + 1));
    expect(Math.max(...batches.map(({ epochs }) => epochs.length))).toBeLessThanOrEqual(1_000);
  });

  test('gets thinner, not longer, when nobody takes it for very long', async () => {
    isReachable = false;
    for (let epoch = 1; epoch <= 100_000; epoch++) output.row(epoch, { loss: epoch });
    isReachable = true;
    await output.flush();

    const batches = await sentBatches();
    const epochs = batches.flatMap((batch) => batch.epochs);
    expect(epochs.length).toBeLessThanOrEqual(20_000);
    expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
    expect(epochs.at(-1)).toBe(100_000);
    expect(batches.flatMap(({ columns }) => columns.loss)).toEqual(epochs);
  });
});

test('the curves of an attempt are kept as a whole, and thinner when they are very long', async () => {
  output.row(1, { loss: 0.5 });
  output.row(2, { loss: 0.25, 'selection.auroc': 0.75 });
  await advance(1_000); // what was sent stays
  expect(output.curves()).toEqual({ epochs: [1, 2], columns: { loss: [0.5, 0.25], 'selection.auroc': [null, 0.75] } });

  for (let epoch = 3; epoch <= 100_000; epoch++) output.row(epoch, { loss: epoch });
  const { epochs, columns } = output.curves();
  expect(epochs.length).toBeLessThanOrEqual(20_000);
  expect(epochs.at(-1)).toBe(100_000);
  expect(columns.loss?.slice(1)).toEqual(epochs.slice(1));
});

test('a line that no server would take is cut', () => {
  output.log('info', 'x'.repeat(1_000_000));

  const [line] = output.lines();
  expect(Buffer.byteLength(JSON.stringify(LogLine.parse(line)))).toBeLessThan(65_536);
});
