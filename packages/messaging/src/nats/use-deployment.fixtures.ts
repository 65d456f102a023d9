import { SweepId, type TrialAssignment, TrialId } from '@adctl/protocol';
import type { NatsServer } from '@adctl/testkit';
import { afterEach, beforeEach } from 'vitest';
import type { Messaging } from '../deployment.js';
import type { Priority } from '../trial-queue.js';
import { connectClient } from './client.js';
import { connectNats, type NatsOptions, prepareNats } from './connect.js';
import type { NatsClient } from './core-nats.js';
import { newNamespace, testOptions } from './deployment.fixtures.js';

/** What a test works with: streams of its own on a server that runs, and connections that are closed after it. */
export interface TestDeployment {
  readonly server: NatsServer;
  readonly namespace: string;
  /** The server's name of a stream, e.g. of `JOBS`. */
  stream(name: string): string;
  /** Aborted after the test. */
  readonly stop: AbortController;
  connect(options?: Partial<NatsOptions>): Promise<Messaging>;
  /** A connection beside the adapter, for looking at the server and for mischief. */
  connectBeside(): Promise<NatsClient>;
  closeLater(connection: { close(): Promise<void> }): void;
  publish(
    to: Messaging,
    trial: string,
    sweep?: string,
    priority?: Priority,
  ): Promise<{ readonly sequence: number; readonly duplicate: boolean }>;
}

/** Prepares a deployment before each test of the suite around it; whatever a test did to the server, it runs again after it. */
export function useDeployment(current: () => NatsServer): TestDeployment {
  let namespace: string;
  let stop: AbortController;
  const open: { close(): Promise<void> }[] = [];

  beforeEach(async () => {
    await current().start();
    namespace = newNamespace();
    stop = new AbortController();
    await prepareNats({ ...testOptions(current(), namespace), classes: ['cpu'] });
  });
  afterEach(async () => {
    stop.abort();
    await current().start();
    await Promise.all(open.splice(0).map((connection) => connection.close()));
  });

  return {
    get server() {
      return current();
    },
    get namespace() {
      return namespace;
    },
    get stop() {
      return stop;
    },
    stream: (name) => `${namespace.toUpperCase()}_${name}`,
    async connect(more = {}) {
      const messaging = await connectNats(testOptions(current(), namespace, more));
      open.push(messaging);
      return messaging;
    },
    async connectBeside() {
      const client = await connectClient({
        servers: [current().url],
        name: 'beside',
        inboxPrefix: '_INBOX_beside',
        firstConnectMs: 0,
        reconnectWaitMs: 50,
        report: () => undefined,
      });
      open.push(client);
      return client;
    },
    closeLater: (connection) => {
      open.push(connection);
    },
    publish: (to, trial, sweep = 's1', priority = 'normal') =>
      to.queue.publish({
        class: 'cpu',
        priority,
        messageId: crypto.randomUUID(),
        assignment: assignmentOf(trial, sweep),
      }),
  };
}

const assignmentOf = (trial: string, sweep: string): TrialAssignment => ({
  version: 1,
  sweep: SweepId.parse(sweep),
  trial: TrialId.parse(trial),
  generation: 0,
  specKey: `v1/trial/${sweep}/${trial}.json`,
});
