import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SweepId, TrialId } from '@adctl/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectEmbedded, type EmbeddedMessaging, openEmbedded, socketPathOf } from '../index.js';
import { encodeFrame, FRAME_LIMIT_BYTES, type Frame, FrameReader, PROTOCOL_VERSION } from './frames.js';

const unreachable = { code: 'controller_unreachable', kind: 'transient' };

let directory: string;
let local: EmbeddedMessaging;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'adctl-remote-'));
  local = openEmbedded({ directory, ackWaitMs: 60_000 });
});
afterEach(async () => {
  await local.close();
  rmSync(directory, { recursive: true });
});

/** A bare connection that collects what the controller says. */
async function rawConnection(path: string): Promise<{ socket: Socket; frames: Frame[]; ended: Promise<void> }> {
  const socket = connect(path);
  const frames: Frame[] = [];
  const reader = new FrameReader();
  socket.on('data', (chunk: Buffer) => frames.push(...reader.push(chunk)));
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  return { socket, frames, ended };
}

describe('the end of the controller', () => {
  it('fires closed and rejects everything that is pending', async () => {
    const remote = await connectEmbedded(await local.listen());
    const trial = remote.state.bucket('trial');
    const watch = trial.watch('', new AbortController().signal)[Symbol.asyncIterator]();
    expect(await watch.next()).toEqual({ value: 'ready', done: false });
    await local.control.serve('slow', () => new Promise(() => undefined));
    const pending = [
      remote.queue.next({ class: 'cpu', waitMs: 60_000 }),
      remote.control.request('slow', {}),
      watch.next(),
      remote.events.follow('a.>', { signal: new AbortController().signal })[Symbol.asyncIterator]().next(),
    ];
    const outcomes = Promise.allSettled(pending);
    await remote.queue.contents();
    await local.close();

    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: unreachable });
    }
    expect(remote.closed.aborted).toBe(true);
    expect(remote.closed.reason).toMatchObject(unreachable);
    await expect(trial.get('k')).rejects.toMatchObject(unreachable);
    await expect(remote.control.subscribe('a', () => undefined)).rejects.toMatchObject(unreachable);
  });

  it('rejects what is pending in the controller’s own process as well', async () => {
    const waiting = expect(local.queue.next({ class: 'cpu', waitMs: 60_000 })).rejects.toMatchObject(unreachable);
    await local.close();

    await waiting;
    await expect(local.state.bucket('trial').put('k', 1)).rejects.toMatchObject(unreachable);
    await expect(local.control.publish('a', 1)).rejects.toMatchObject(unreachable);
  });
});

describe('the end of a client', () => {
  const entry = {
    class: 'cpu',
    priority: 'normal',
    messageId: 'm',
    assignment: { version: 1, sweep: SweepId.parse('s'), trial: TrialId.parse('t'), generation: 0, specKey: 'k' },
  } as const;

  it('ends its waits: the message goes to somebody else', async () => {
    const path = await local.listen();
    const gone = await connectEmbedded(path);
    const waiting = gone.queue.next({ class: 'cpu', waitMs: 60_000 });
    const refused = expect(waiting).rejects.toMatchObject(unreachable);
    await gone.queue.contents();
    await gone.close();
    await refused;
    const other = await connectEmbedded(path);
    await other.queue.publish(entry);

    expect((await other.queue.next({ class: 'cpu', waitMs: 60_000 }))?.assignment.trial).toBe('t');
    await other.close();
  });

  it('keeps what it held until the ack wait, or until the controller starts anew', async () => {
    const gone = await connectEmbedded(await local.listen());
    await gone.queue.publish(entry);
    await gone.queue.next({ class: 'cpu', waitMs: 1_000 });
    await gone.close();
    expect(await local.queue.next({ class: 'cpu', waitMs: 0 })).toBeNull();

    await local.releaseInFlight();
    expect((await local.queue.next({ class: 'cpu', waitMs: 0 }))?.deliveries).toBe(2);
  });

  it('takes its verbs and subscriptions along', async () => {
    const gone = await connectEmbedded(await local.listen());
    await gone.control.serve('sweeps.submit', async () => 1);
    expect(await local.control.request('sweeps.submit', {})).toBe(1);
    await gone.close();

    await expect
      .poll(() => local.control.request('sweeps.submit', {}).catch((error: unknown) => error))
      .toMatchObject(unreachable);
  });

  it('cannot take over a verb that another process serves', async () => {
    const remote = await connectEmbedded(await local.listen());
    await local.control.serve('sweeps.submit', async () => 'local');
    const refusal = { code: 'verb_already_served', kind: 'bug' };

    await expect(remote.control.serve('sweeps.submit', async () => 'remote')).rejects.toMatchObject(refusal);
    await expect(local.control.serve('sweeps.submit', async () => 'again')).rejects.toMatchObject(refusal);
    expect(await remote.control.request('sweeps.submit', {})).toBe('local');
    await remote.close();
  });

  it('happens when its signal is aborted', async () => {
    const stop = new AbortController();
    const remote = await connectEmbedded(await local.listen(), { signal: stop.signal });
    stop.abort();

    expect(remote.closed.aborted).toBe(true);
    await expect(remote.queue.contents()).rejects.toMatchObject(unreachable);
  });
});

describe('the socket', () => {
  it('is for its user alone', async () => {
    const path = await local.listen();

    expect(path).toBe(join(directory, 'run', 'controller.sock'));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  });

  it('is refused in a folder that others can reach, from both sides', async () => {
    const path = await local.listen();
    chmodSync(dirname(path), 0o755);

    await expect(connectEmbedded(path)).rejects.toMatchObject({ code: 'socket_folder_unsafe', kind: 'permanent' });
    await expect(local.listen()).rejects.toMatchObject({ code: 'socket_folder_unsafe' });
  });

  it('takes the place of no file that is not a socket', async () => {
    const path = socketPathOf(directory);
    mkdirSync(dirname(path), { mode: 0o700 });
    writeFileSync(path, 'mine');

    await expect(local.listen()).rejects.toMatchObject({ code: 'socket_path_taken', kind: 'user', details: { path } });
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  it('is gone when the controller has closed', async () => {
    const path = await local.listen();
    await local.close();

    expect(existsSync(path)).toBe(false);
    await expect(connectEmbedded(path)).rejects.toMatchObject(unreachable);
  });

  it('lets the controller end although a client has stopped reading', async () => {
    await local.control.serve('large', async () => 'x'.repeat(8_000_000));
    const { socket } = await rawConnection(await local.listen());
    socket.pause();
    const input = { verb: 'large', payload: null, timeoutMs: 10_000 };
    socket.write(encodeFrame({ type: 'call', id: 1, method: 'control.request', input }));
    const other = await connectEmbedded(socketPathOf(directory));
    await other.control.request('large', null);

    await local.close();
    expect(other.closed.aborted).toBe(true);
    socket.destroy();
  });

  it('moves to a short path when the directory’s is too long for a socket', async () => {
    const runtime = mkdtempSync(join(tmpdir(), 'xdg-'));
    vi.stubEnv('XDG_RUNTIME_DIR', runtime);
    const deep = join(directory, 'a'.repeat(80), 'b'.repeat(40), '.adctl');
    mkdirSync(deep, { recursive: true });
    const far = openEmbedded({ directory: deep });
    const path = await far.listen();
    expect(path.startsWith(runtime)).toBe(true);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);

    // Another terminal may have another environment: the pointer in the directory leads there all the same.
    vi.stubEnv('XDG_RUNTIME_DIR', '/nowhere');
    expect(socketPathOf(deep)).toBe(path);
    const remote = await connectEmbedded(socketPathOf(deep));
    expect(await remote.state.bucket('trial').put('k', 1)).toBe(1);
    await remote.close();
    await far.close();
    vi.unstubAllEnvs();
    rmSync(runtime, { recursive: true });
  });
});

describe('the conversation', () => {
  it('is refused between versions, with the way out', async () => {
    const path = join(directory, 'run', 'other.sock');
    mkdirSync(dirname(path), { mode: 0o700, recursive: true });
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.resume();
      socket.write(encodeFrame({ type: 'hello', service: 'adctl', version: PROTOCOL_VERSION + 1, pid: 1 }));
    }).listen(path);

    await expect(connectEmbedded(path)).rejects.toMatchObject({ code: 'version_mismatch', kind: 'user' });
    server.close();
  });

  it.each([
    ['a length beyond the limit', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['what is no JSON', Buffer.concat([Buffer.from([0, 0, 0, 3]), Buffer.from('{{{')])],
    ['what is no frame', Buffer.concat([Buffer.from([0, 0, 0, 14]), Buffer.from('{"type":"boo"}')])],
  ])('ends with %s, and the controller goes on', async (_what, bytes) => {
    const path = await local.listen();
    const { socket, ended } = await rawConnection(path);
    socket.write(bytes);
    await ended;

    const remote = await connectEmbedded(path);
    expect(await remote.queue.contents()).toEqual([]);
    await remote.close();
  });

  it.each([
    ['an unknown call', { type: 'call', id: 1, method: 'queue.burn', input: null }],
    ['a name from the prototype', { type: 'call', id: 1, method: 'toString', input: null }],
    ['an unknown stream', { type: 'open', id: 1, method: 'queue.burn', input: null }],
    ['a malformed input', { type: 'call', id: 1, method: 'queue.remove', input: { sequence: 'first' } }],
    ['a malformed stream input', { type: 'open', id: 1, method: 'events.read', input: {} }],
  ] satisfies [string, Frame][])('answers %s with a failure', async (_what, frame) => {
    const { socket, frames } = await rawConnection(await local.listen());
    socket.write(encodeFrame(frame));

    await expect
      .poll(() => frames)
      .toMatchObject([{ type: 'hello' }, { type: 'failure', id: 1, failure: { code: 'bad_call' } }]);
    socket.destroy();
  });

  it('refuses to send what is too large, and goes on', async () => {
    const remote = await connectEmbedded(await local.listen());
    const large = 'x'.repeat(FRAME_LIMIT_BYTES);

    await expect(remote.state.bucket('trial').put('k', large)).rejects.toMatchObject({
      code: 'message_too_large',
      kind: 'bug',
    });
    expect(await remote.state.bucket('trial').put('k', 'small')).toBe(1);
    await remote.close();
  });

  it('tells the asker when the answer is too large', async () => {
    const remote = await connectEmbedded(await local.listen());
    await local.control.serve('large', async () => 'x'.repeat(FRAME_LIMIT_BYTES));

    await expect(remote.control.request('large', {})).rejects.toMatchObject({ code: 'message_too_large' });
    await remote.close();
  });

  it('puts frames together however the bytes arrive', () => {
    const sent: Frame[] = [
      { type: 'hello', service: 'adctl', version: 1, pid: 7 },
      { type: 'items', id: 3, items: ['ä', { x: [1, null] }] },
      { type: 'end', id: 3 },
    ];
    const bytes = Buffer.concat(sent.map(encodeFrame));
    for (const size of [1, 2, 3, 5, 7, bytes.length]) {
      const reader = new FrameReader();
      const received: Frame[] = [];
      for (let at = 0; at < bytes.length; at += size) received.push(...reader.push(bytes.subarray(at, at + size)));
      expect(received).toEqual(sent);
    }
  });

  it('holds a stream back whose reader is slow, without holding back other calls', async () => {
    const remote = await connectEmbedded(await local.listen());
    const events = Array.from({ length: 20_000 }, (_, index) => ({
      subject: 'metric.s',
      data: { index, pad: 'x'.repeat(100) },
    }));
    await local.events.appendAll(events);
    const reading = remote.events.read('metric.s')[Symbol.asyncIterator]();
    await reading.next();

    // The reader stops after one event: only a batch or two may have been sent.
    expect(await remote.queue.contents()).toEqual([]);
    let read = 1;
    for (let next = await reading.next(); !next.done; next = await reading.next()) read += 1;
    expect(read).toBe(20_000);
    await remote.close();
  });
});
