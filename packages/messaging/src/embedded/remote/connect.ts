import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { AdctlError } from '@adctl/protocol';
import { type Clock, systemClock } from '../../clock.js';
import { ALWAYS_THERE, type Messaging } from '../../deployment.js';
import { controllerUnreachable } from '../../errors.js';
import { Peer } from './peer.js';
import { RemoteControlChannel } from './remote-control-channel.js';
import { RemoteEventLog, RemoteStateStore, RemoteTrialQueue } from './remote-parts.js';
import { assertPrivateFolder } from './socket-path.js';

/**
 * Connects to a running controller of this machine and user (see `socketPathOf`).
 * @param options.signal ends the attempt, and later the connection.
 * @returns messaging whose `closed` fires when the controller goes away; what is pending then rejects with transient `controller_unreachable`.
 * @throws AdctlError transient `controller_unreachable` when nobody listens; user `version_mismatch`; permanent `socket_folder_unsafe`.
 */
export async function connectEmbedded(
  socketPath: string,
  options: { readonly signal?: AbortSignal; readonly clock?: Clock } = {},
): Promise<Messaging> {
  options.signal?.throwIfAborted();
  const socket = await openSocket(socketPath);
  assertFolderOrLeave(socketPath, socket);
  const control = new RemoteControlChannel(options.clock ?? systemClock);
  const peer = new Peer(socket, control.service);
  control.attach(peer);
  const leave = () => peer.close(controllerUnreachable('this side closed the connection'));
  options.signal?.addEventListener('abort', leave, { once: true });
  await peer.greeted;
  return {
    queue: new RemoteTrialQueue(peer),
    events: new RemoteEventLog(peer),
    state: new RemoteStateStore(peer),
    control,
    contact: () => ALWAYS_THERE, // a socket that breaks is closed for good
    closed: peer.closed,
    async close() {
      options.signal?.removeEventListener('abort', leave);
      leave();
    },
  };
}

async function openSocket(path: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(path);
  socket.once('connect', resolve);
  socket.once('error', reject);
  try {
    await promise;
  } catch (error) {
    socket.destroy();
    throw controllerUnreachable(`nobody listens on ${path}`, error);
  }
  socket.removeListener('error', reject);
  return socket;
}

function assertFolderOrLeave(path: string, socket: Socket): void {
  try {
    assertPrivateFolder(dirname(path));
  } catch (error) {
    socket.destroy();
    throw error as AdctlError;
  }
}
