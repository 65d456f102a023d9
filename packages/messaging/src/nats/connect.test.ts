import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connectNats, type NatsOptions } from './connect.js';

const options: NatsOptions = { servers: ['127.0.0.1:1'], role: 'cli', identity: 'alice' };

describe('connecting', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /**
   * Something that greets like a nats-server with these facts, and answers pings; connections after the first are refused
   * like those of a user whose credentials were taken away, when asked to.
   */
  async function startGreeter(info: object, revoke?: AbortSignal): Promise<string> {
    const server = createServer((socket) => {
      revoke?.addEventListener('abort', () => socket.destroy());
      socket.write(
        `INFO ${JSON.stringify({ server_id: 'x', max_payload: 1024, headers: true, proto: 1, ...info })}\r\n`,
      );
      socket.on('data', (data) => {
        if (revoke?.aborted === true) socket.end("-ERR 'Authorization Violation'\r\n");
        else if (data.toString().includes('PING')) socket.write('PONG\r\n');
      });
      socket.on('error', () => socket.destroy());
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  it.each([
    ['an identity that would widen permissions', { identity: '*' }],
    ['an inbox prefix with a wildcard', { inboxPrefix: '_INBOX.>' }],
    ['no server', { servers: [] }],
    ['a password in the address', { servers: ['nats://me:secret@host:4222'] }],
    ['a namespace with a dot', { namespace: 'a.b' }],
  ])('refuses %s', async (_what, more) => {
    const failure = await connectNats({ ...options, ...more }).catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: 'nats_bad_options', kind: 'user' });
    expect(String(failure)).not.toContain('secret');
  });

  it('names a credentials file that cannot be read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'adctl-'));
    const nkeySeedFile = join(folder, 'missing.nk');
    await expect(connectNats({ ...options, credentials: { nkeySeedFile } })).rejects.toMatchObject({
      code: 'nats_bad_options',
      message: expect.stringContaining(nkeySeedFile),
    });
    await rm(folder, { recursive: true });
  });

  it('says which server does not answer', async () => {
    await expect(connectNats(options)).rejects.toMatchObject({
      code: 'controller_unreachable',
      kind: 'transient',
      message: expect.stringContaining('127.0.0.1:1'),
    });
  });

  it('refuses a server that is too old', async () => {
    const servers = [await startGreeter({ version: '2.9.9', jetstream: true })];

    await expect(connectNats({ ...options, servers })).rejects.toMatchObject({
      code: 'nats_server_too_old',
      details: { version: '2.9.9', floor: '2.9.10' },
    });
  });

  it('tells by `closed` that the server will not have us any more', async () => {
    const revoke = new AbortController();
    const servers = [await startGreeter({ version: '2.10.0', jetstream: true }, revoke.signal)];
    const messaging = await connectNats({ ...options, servers, reconnectWaitMs: 10 });
    expect(messaging.closed.aborted).toBe(false);
    revoke.abort();

    await expect.poll(() => messaging.closed.aborted, { timeout: 10_000 }).toBe(true);
    expect(messaging.closed.reason).toMatchObject({ code: 'nats_auth_refused', kind: 'user' });
    await messaging.close();
  });

  it('refuses a server without JetStream', async () => {
    const servers = [await startGreeter({ version: '2.10.0' })];

    await expect(connectNats({ ...options, servers })).rejects.toMatchObject({ code: 'nats_without_jetstream' });
  });
});
