import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectEmbedded, type EmbeddedMessaging, openEmbedded, socketPathOf } from './index.js';

/**
 * A controller that takes the folder, hands one message out, and then writes as fast as it can, saying after each write
 * what is durable. It runs the built package.
 */
const CONTROLLER = `
  import { openEmbedded } from '@adctl/messaging/embedded';
  const messaging = openEmbedded({ directory: process.argv[1] });
  await messaging.listen();
  const assignment = { version: 1, sweep: 's', trial: 't', generation: 0, specKey: 'k' };
  await messaging.queue.publish({ class: 'cpu', priority: 'normal', messageId: 'm', assignment });
  await messaging.queue.next({ class: 'cpu', waitMs: 1000 });
  const trial = messaging.state.bucket('trial');
  for (let index = 1; ; index += 1) {
    await Promise.all([trial.put('counter', index), messaging.events.append('result.s.t' + index, index)]);
    process.stdout.write(index + '\\n');
  }`;

let directory: string;
let child: ChildProcessByStdio<null, Readable, null>;
let lines: AsyncIterableIterator<string>;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'adctl-kill-'));
});
afterEach(async () => {
  await killed();
  rmSync(directory, { recursive: true });
});

/** Starts the controller and waits until it has written `writes` times. @returns the last number it reported. */
async function startController(writes: number): Promise<void> {
  child = spawn(process.execPath, ['--input-type=module', '-e', CONTROLLER, directory], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await readUntil(writes);
}

async function readUntil(wanted: number): Promise<void> {
  for (let last = 0; last < wanted; ) {
    const line = await lines.next();
    if (line.done) throw new Error('the controller ended early');
    last = Number(line.value);
  }
}

/** Kills the controller and returns the last write it confirmed. */
async function killed(): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  let last = 0;
  for await (const line of lines) last = Number(line);
  return last;
}

async function durable(messaging: EmbeddedMessaging) {
  const counter = Number((await messaging.state.bucket('trial').get('counter'))?.value);
  const events: unknown[] = [];
  for await (const event of messaging.events.read('result.>')) events.push(event.data);
  return { counter, events };
}

it('keeps every confirmed write when the controller is killed, and frees the folder at once', async () => {
  for (let round = 1; round <= 3; round += 1) {
    rmSync(directory, { recursive: true });
    directory = mkdtempSync(join(tmpdir(), 'adctl-kill-'));
    await startController(round * 40);
    const confirmed = await killed();

    const messaging = openEmbedded({ directory });
    const { counter, events } = await durable(messaging);
    expect(counter).toBeGreaterThanOrEqual(confirmed);
    expect(events).toEqual(Array.from({ length: counter }, (_, index) => index + 1));
    await messaging.close();
  }
});

it('hands the dead controller’s message out again, and listens in its place', async () => {
  await startController(1);
  await killed();

  const messaging = openEmbedded({ directory });
  expect(await messaging.queue.contents()).toMatchObject([{ deliveries: 1, inFlight: true }]);
  await messaging.releaseInFlight();
  const remote = await connectEmbedded(await messaging.listen());
  expect(await remote.queue.next({ class: 'cpu', waitMs: 1_000 })).toMatchObject({ deliveries: 2 });
  await remote.close();
  await messaging.close();
});

it('refuses a second controller while the first lives, and names it', async () => {
  await startController(1);

  expect(() => openEmbedded({ directory })).toThrow(
    expect.objectContaining({
      code: 'directory_in_use',
      kind: 'user',
      details: expect.objectContaining({ owner: expect.objectContaining({ pid: child.pid }) }),
    }),
  );
});

it('tells its clients when it is killed', async () => {
  await startController(1);
  const remote = await connectEmbedded(socketPathOf(directory));
  const waiting = remote.queue.next({ class: 'gpu24', waitMs: 60_000 });
  const refused = expect(waiting).rejects.toMatchObject({ code: 'controller_unreachable', kind: 'transient' });
  await remote.queue.contents();
  await killed();

  await refused;
  expect(remote.closed.aborted).toBe(true);
  await expect(connectEmbedded(socketPathOf(directory))).rejects.toMatchObject({ code: 'controller_unreachable' });
});
