import { systemClock } from '@adctl/messaging';
import { type ApiServer, type ApiServerOptions, startApiServer } from '@adctl/testkit/kubernetes';
import type { KubeConfig as Config } from '@kubernetes/client-node';
import { onTestFinished } from 'vitest';
import { KubeConfig } from '../client-parts.js';
import { CONTROLLER_RIGHTS } from '../rights.js';
import { Transport, type TransportOptions } from '../transport.js';

export const CONTROLLER_TOKEN = 'controller-token';
/** Only what the controller may do is allowed: a missing right shows as 403. */
export const CONTROLLER_TOKENS = { [CONTROLLER_TOKEN]: CONTROLLER_RIGHTS, admin: 'everything' } as const;

/** Configuration for a server over plain HTTP, which the library takes only with `skipTLSVerify`. */
export function configFor(url: string, token = CONTROLLER_TOKEN): Config {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'fake', server: url, skipTLSVerify: true }],
    users: [{ name: 'controller', token }],
    contexts: [{ name: 'fake', cluster: 'fake', user: 'controller', namespace: 'default' }],
    currentContext: 'fake',
  });
  return config;
}

/** A fake API server that knows the controller's token, stopped after the test. */
export async function fakeApi(options: ApiServerOptions = {}): Promise<ApiServer> {
  const server = await startApiServer({ tokens: CONTROLLER_TOKENS, ...options });
  onTestFinished(() => server.stop());
  return server;
}

/** A transport with pauses short enough for tests. */
export function transportTo(server: ApiServer, options: Partial<TransportOptions> = {}): Transport {
  return new Transport({
    config: configFor(server.url),
    userAgent: 'adctl-controller/test',
    clock: systemClock,
    random: () => 0.5,
    retry: { firstPauseMs: 2, longestPauseMs: 10, timeoutMs: 2_000 },
    ...options,
  });
}
