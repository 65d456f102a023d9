import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findNatsBinaries, freePorts, type NatsServer, startNatsServer } from '@adctl/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeNatsUsers } from '../../packages/cli/src/services/nats-users.js';
import { findManifest, LEAST_VALUES, renderChart } from './chart.js';
import { describeWithTools } from './describe-with-tools.js';
import { environmentOf, podOf } from './pods.js';
import type { Manifest } from './strict-manifest.js';

const run = promisify(execFile);
/** The chart's own server is a recent one; 2.9 does not know all of its settings. */
const { newest } = await findNatsBinaries();
/** Digits alone: what a server takes for a number unless it is quoted. */
const PASSWORD = '20261126';
const PATIENCE = { timeout: 30_000 };
const folder = mkdtempSync(join(tmpdir(), 'adctl-nats-'));
afterAll(() => rmSync(folder, { recursive: true }));

describeWithTools('the own NATS server', ({ helm, name }) => {
  let manifests: Manifest[] = [];
  beforeAll(async () => {
    const { authorizationFile } = await makeNatsUsers({
      folder: join(folder, name),
      pools: [{ name: 'gpu', class: 'gpu24' }],
      classes: [],
      people: ['alice'],
      admins: ['carol'],
      namespace: undefined,
    });
    const authorization = readFileSync(authorizationFile, 'utf8');
    const nats = { enabled: true, replicas: 3, authorization, routesSecret: { name: 'routes' } };
    manifests = await renderChart({ helm, values: { ...LEAST_VALUES, messaging: {}, nats } });
  });

  if ('missing' in newest) {
    test.skip(`a nats-server could not be had: ${newest.missing}`, () => undefined);
    return;
  }

  test('accepts its configuration, with users made by the CLI', async () => {
    const file = join(folder, `${name}.conf`);
    writeFileSync(file, configOf(manifests));

    const { stderr } = await run(newest.path, ['-t', '-c', file], { env: variablesOf(manifests, PASSWORD, []) });

    expect(stderr).toMatch(/configuration file .* is valid/);
  });

  test('servers of a cluster find each other, and one that does not know the secret is refused', async () => {
    const free = await freePorts(10); // all of them different: every server has two
    const takePort = () => {
      const port = free.pop();
      if (port === undefined) throw new Error('too few ports were drawn');
      return port;
    };
    const ports = [takePort(), takePort(), takePort()];
    const join = (server: string, port: number, password: string) =>
      startNatsServer({
        path: newest.path,
        port: takePort(),
        env: { ...variablesOf(manifests, password, ports), POD_NAME: server },
        config: `server_name: $POD_NAME\nhttp: "127.0.0.1:-1"\n${clusterBlockOf(manifests, port)}`,
      });
    const servers: NatsServer[] = [];
    try {
      const starting = ports.map((port, index) => join(`adctl-nats-${index}`, port, PASSWORD));
      servers.push(...(await Promise.all(starting)));
      for (const [index, server] of servers.entries()) {
        const others = servers.flatMap((_, other) => (other === index ? [] : [`adctl-nats-${other}`]));
        await expect.poll(() => routesOf(server), PATIENCE).toEqual(others);
      }

      for (const password of ['another', '']) {
        const stranger = await join('stranger', takePort(), password);
        servers.push(stranger);
        await expect.poll(() => stranger.log(), PATIENCE).toMatch(/Authorization Violation/);
        for (const server of servers) expect(await routesOf(server)).not.toContain('stranger');
        expect(await routesOf(stranger)).toEqual([]);
      }
    } finally {
      await Promise.all(servers.map((server) => server.remove()));
    }
  });
});

/** Names of the servers that one has routes to. */
async function routesOf(server: NatsServer): Promise<string[]> {
  const [, monitor] = /http monitor on (\S+)/.exec(server.log()) ?? [];
  const answer = await fetch(`http://${monitor}/routez`);
  const { routes = [] } = (await answer.json()) as { routes?: { remote_name: string }[] };
  return [...new Set(routes.map(({ remote_name }) => remote_name))].sort();
}

function configOf(manifests: readonly Manifest[]): string {
  const { 'nats.conf': config } = findManifest(manifests, 'ConfigMap', 'nats').data as Record<string, string>;
  return config ?? '';
}

/** The rendered `cluster { … }`, at a port of this machine. */
function clusterBlockOf(manifests: readonly Manifest[], port: number): string {
  const [block] = /^cluster \{.*?^\}/ms.exec(configOf(manifests)) ?? [];
  if (block?.includes('port: 6222') !== true) throw new Error('no cluster block with its port');
  return block.replace('port: 6222', `host: 127.0.0.1\nport: ${port}`);
}

/** The container's variables as Kubernetes expands them; the servers of the cluster are at these ports of this machine. */
function variablesOf(
  manifests: readonly Manifest[],
  password: string,
  ports: readonly number[],
): Record<string, string> {
  const variables = environmentOf(podOf(findManifest(manifests, 'StatefulSet', 'nats')));
  expect(variables.ROUTES_PASSWORD).toBe('secret routes/password');
  return Object.fromEntries(
    Object.entries({ ...variables, ROUTES_PASSWORD: password, POD_NAME: 'adctl-nats-0' }).map(([name, value]) => {
      const port = ports[Number(/^ROUTE_(\d)$/.exec(name)?.[1])];
      const here = port === undefined ? value : value.replace(/@.*:6222/, `@127.0.0.1:${port}`);
      return [name, here.replace('$(ROUTES_PASSWORD)', password)];
    }),
  );
}
