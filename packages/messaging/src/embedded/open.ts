import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../clock.js';
import { ALWAYS_THERE, type Messaging } from '../deployment.js';
import { controllerUnreachable } from '../errors.js';
import { Database } from './database.js';
import { acquireDirectoryLock } from './directory-lock.js';
import { LocalControlChannel } from './local-control-channel.js';
import { listenOnSocket, type SocketServer } from './remote/server.js';
import { socketPathOf } from './remote/socket-path.js';
import { SqliteEventLog } from './sqlite-event-log.js';
import { SqliteStateStore } from './sqlite-state-store.js';
import { SqliteTrialQueue } from './sqlite-trial-queue.js';

export interface EmbeddedOptions {
  /** The `.adctl` folder; made when it is missing. */
  readonly directory: string;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default 60 s, as in the cluster (design section 5). */
  readonly ackWaitMs?: number;
  /** How long a message id is remembered. Default 120 s, JetStream's own. */
  readonly duplicateWindowMs?: number;
  /** Who the requests come from. Default: the operating-system user, who alone can reach the socket. */
  readonly caller?: string;
}

/** Messaging inside the controller's process. */
export interface EmbeddedMessaging extends Messaging {
  /**
   * Makes every message in flight available at once. For a controller that just took the directory: whoever held them
   * was connected to its predecessor and can't answer any more. The lease still decides who may train.
   */
  releaseInFlight(): Promise<void>;
  /**
   * Lets other processes of this user connect (`connectEmbedded`); closed together with this messaging.
   * @param path default `socketPathOf(directory)`.
   * @returns the socket's path.
   * @throws AdctlError user `socket_path_taken`; permanent `socket_folder_unsafe`, `socket_failed`.
   */
  listen(path?: string): Promise<string>;
}

/**
 * Takes the directory and opens its database (`messaging.sqlite`).
 * @throws AdctlError user `directory_in_use`, `database_too_new`, `database_foreign`; permanent `database_corrupt`, `storage_denied`; transient `storage_full`.
 */
export function openEmbedded(options: EmbeddedOptions): EmbeddedMessaging {
  const { directory, clock = systemClock, ackWaitMs = 60_000, duplicateWindowMs = 120_000 } = options;
  const caller = options.caller ?? userInfo().username;
  const lock = acquireDirectoryLock(directory);
  let database: Database;
  try {
    database = new Database(join(directory, 'messaging.sqlite'));
  } catch (error) {
    lock.release();
    throw error;
  }
  const queue = new SqliteTrialQueue(database, { clock, ackWaitMs, duplicateWindowMs });
  const events = new SqliteEventLog(database);
  const state = new SqliteStateStore(database, clock);
  const control = new LocalControlChannel({ clock, caller });
  const closed = new AbortController();
  const servers: SocketServer[] = [];
  return {
    queue,
    events,
    state,
    control,
    contact: () => ALWAYS_THERE,
    closed: closed.signal,
    releaseInFlight: () => queue.releaseInFlight(),
    async listen(path = socketPathOf(directory)) {
      servers.push(await listenOnSocket({ queue, events, state, control }, directory, path));
      return path;
    },
    async close() {
      if (closed.signal.aborted) return;
      closed.abort(controllerUnreachable('it was closed'));
      await Promise.all(servers.map((server) => server.close()));
      control.close();
      queue.close();
      events.close();
      state.close();
      database.close();
      lock.release();
    },
  };
}
