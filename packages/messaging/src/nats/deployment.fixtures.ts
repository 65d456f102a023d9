import { setTimeout as delay } from 'node:timers/promises';
import { findNatsBinaries, type NatsServer, startNatsServer } from '@adctl/testkit';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Deployment } from '../contracts/index.js';
import { connectNats, type NatsOptions, prepareNats } from './connect.js';
import type { StreamSettings } from './settings.js';

/** Every deployment of a test file gets a namespace of its own: names are not used twice on one server. */
let deployments = 0;
export const newNamespace = (): string => {
  deployments += 1;
  return `t${process.pid}n${deployments}`;
};

export const TEST_SETTINGS: Partial<StreamSettings> = { metricsMaxBytes: 64 * 1024 ** 2 };

/** Options of a connection that gives up and comes back quickly. */
export function testOptions(server: NatsServer, namespace: string, more: Partial<NatsOptions> = {}): NatsOptions {
  return {
    servers: [server.url],
    role: 'controller',
    identity: 'tester',
    namespace,
    settings: TEST_SETTINGS,
    patienceMs: 10_000,
    reconnectWaitMs: 50,
    ...more,
  };
}

/** Two connections to fresh streams; waiting is real. */
export async function createDeployment(
  server: NatsServer,
  settings: Partial<StreamSettings>,
  classes: readonly string[] = ['cpu', 'gpu24'],
): Promise<Deployment> {
  const options = testOptions(server, newNamespace(), { settings: { ...TEST_SETTINGS, ...settings } });
  await prepareNats({ ...options, classes });
  const messaging = await connectNats(options);
  const other = await connectNats({ ...options, identity: 'other' });
  return {
    messaging,
    other,
    pass: (ms) => delay(ms),
    async close() {
      await messaging.close();
      await other.close();
    },
  };
}

/** A suite on the distribution's nats-server and one on the newest; one without a server is skipped and says why. */
export async function describeOnServers(
  which: 'old' | 'newest' | 'both',
  suite: (server: { readonly version: string; current(): NatsServer }) => void,
  /** Further lines of the server's configuration. */
  config = '',
): Promise<void> {
  const binaries = await findNatsBinaries();
  for (const name of which === 'both' ? (['old', 'newest'] as const) : [which]) {
    const binary = binaries[name];
    if ('missing' in binary) {
      describe(`nats-server of the ${binary.name}`, () => {
        it.skip(`could not be had: ${binary.missing}`, () => undefined);
      });
      continue;
    }
    describe(`nats-server ${binary.version}`, () => {
      let server: NatsServer | undefined;
      beforeAll(async () => {
        server = await startNatsServer({ path: binary.path, config });
      });
      afterAll(() => server?.remove());
      suite({
        version: binary.version,
        current: () => {
          if (server === undefined) throw new Error('the server does not run yet');
          return server;
        },
      });
    });
  }
}
