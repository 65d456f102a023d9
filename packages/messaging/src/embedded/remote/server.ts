import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { AdctlError, userError } from '@adctl/protocol';
import { controllerUnreachable } from '../../errors.js';
import { Peer } from './peer.js';
import { createService, type LocalParts } from './service.js';
import { prepareSocketFolder } from './socket-path.js';

export interface SocketServer {
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Lets processes of the same user use this messaging through a socket (mode 0600, in a folder of mode 0700). The caller
 * holds the directory's lock, so a socket file that lies there is a dead controller's and is replaced.
 * @throws AdctlError user `socket_path_taken` when something else lies at the path; permanent `socket_folder_unsafe`, `socket_failed`.
 */
export async function listenOnSocket(parts: LocalParts, directory: string, path: string): Promise<SocketServer> {
  prepareSocketFolder(directory, path);
  removeStaleSocket(path);
  const peers = new Set<Peer>();
  const server = createServer((socket) => {
    const { service, attach } = createService(parts);
    const peer = new Peer(socket, service);
    attach(peer);
    peers.add(peer);
    peer.closed.addEventListener('abort', () => peers.delete(peer), { once: true });
  });
  await listen(server, path);
  chmodSync(path, 0o600);
  return {
    path,
    async close() {
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const peer of peers) peer.close(controllerUnreachable('it was closed'));
      await ended;
      rmSync(path, { force: true });
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(path, resolve);
  try {
    await promise;
  } catch (error) {
    throw new AdctlError(`the controller cannot listen on ${path}`, {
      code: 'socket_failed',
      kind: 'permanent',
      hint: 'See whether its folder can be written, or use another directory.',
      details: { path },
      cause: error,
    });
  }
  server.removeListener('error', reject);
}

function removeStaleSocket(path: string): void {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return;
  if (!facts.isSocket()) {
    throw userError('socket_path_taken', `${path} exists and is not a socket`, {
      hint: 'Move it away.',
      details: { path },
    });
  }
  rmSync(path);
}
