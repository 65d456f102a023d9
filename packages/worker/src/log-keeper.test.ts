import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createManualClock, type ManualClock } from '@adctl/messaging/contracts';
import { artifactKey, type LogLine } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogKeeper, type LogKeeper } from './log-keeper.js';
import { runningRecord, SWEEP, TRIAL } from './testing/running-record.fixtures.js';

const KEY = artifactKey(SWEEP, TRIAL, 2, 'log.ndjson');
const record = runningRecord(2);

let directory: string;
let clock: ManualClock;
let objects: ObjectStore;
let lines: LogLine[];
let puts: number;
/** The newest put. */
let newest: Promise<unknown>;
/** What a put waits for before it begins. */
let gate: Promise<void>;
let lost: AbortController;
let keeper: LogKeeper;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'adctl-log-'));
  clock = createManualClock();
  lines = [];
  puts = 0;
  newest = Promise.resolve();
  gate = Promise.resolve();
  lost = new AbortController();
  objects = createFilesystemStore(directory);
  const counted: ObjectStore = {
    ...objects,
    put(...args) {
      puts += 1;
      const put = gate.then(() => objects.put(...args));
      newest = put.catch(() => undefined);
      return put;
    },
  };
  const context = { objects: counted, clock, logger: pino({ level: 'silent' }) };
  keeper = createLogKeeper(context, { record, number: 2, lost: lost.signal }, { lines: () => lines });
});
afterEach(async () => {
  await keeper.stop();
  rmSync(directory, { recursive: true });
});

function say(message: string): void {
  const at = new Date(clock.now()).toISOString();
  lines.push({ version: 1, sweep: SWEEP, trial: TRIAL, attempt: 2, at, level: 'info', message });
}

/** Lets half a minute pass, and what it sets off come to its end. */
async function halfMinute(): Promise<void> {
  clock.advance(30_000);
  await turn();
  await newest;
  await turn();
}

/** The stored log, once what is on its way has arrived. */
async function storedAfter(step: Promise<void>): Promise<string[]> {
  await step;
  const object = await objects.get(KEY);
  const text = Buffer.from(object?.content ?? []).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as LogLine).message);
}

test('what was said is stored after half a minute, for whoever asks when the worker was killed', async () => {
  say('begins');
  say('epoch 1');
  await halfMinute();

  expect(await storedAfter(keeper.stop())).toEqual(['begins', 'epoch 1']);
});

test('is stored again when more was said, and only then', async () => {
  await halfMinute();
  expect(puts).toBe(0);

  say('begins');
  await halfMinute();
  expect(puts).toBe(1);
  await halfMinute();
  expect(puts).toBe(1);

  say('epoch 1');
  await halfMinute();
  expect(await storedAfter(keeper.stop())).toEqual(['begins', 'epoch 1']);
  expect(puts).toBe(2);
});

test('is tried again when it could not be stored', async () => {
  gate = Promise.reject(new Error('the store is away'));
  say('begins');
  await halfMinute();
  gate = Promise.resolve();
  await halfMinute();

  expect(await storedAfter(keeper.stop())).toEqual(['begins']);
  expect(puts).toBe(2);
});

test('stopping waits for a log that is on its way, and none follows', async () => {
  const opened = Promise.withResolvers<void>();
  gate = opened.promise;
  say('begins');
  clock.advance(30_000);
  await turn();

  const stopped = keeper.stop();
  say('the end, which its own log tells');
  opened.resolve();

  expect(await storedAfter(stopped)).toEqual(['begins']);
  await halfMinute();
  expect(puts).toBe(1);
});

test('a worker that lost its claim stores nothing more', async () => {
  say('begins');
  lost.abort();
  await halfMinute();

  expect(puts).toBe(0);
});
