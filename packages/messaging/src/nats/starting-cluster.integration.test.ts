import {
  findNatsBinaries,
  type NatsServer,
  type NatsServerOptions,
  planNatsCluster,
  startNatsServer,
} from '@adctl/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { prepareNats } from './connect.js';
import { newNamespace, testOptions } from './deployment.fixtures.js';

/** What 2.9.10 says of too few servers once two of them have elected a leader; newer ones keep silent. */
const LACKING = { old: { hint: expect.stringContaining('ADCTL_NATS_REPLICAS') }, newest: {} };

const binaries = await findNatsBinaries();
describe.each(['old', 'newest'] as const)('a cluster of which two of three servers are up (%s)', (which) => {
  const binary = binaries[which];
  if ('missing' in binary) {
    it.skip(`could not be had: ${binary.missing}`, () => undefined);
    return;
  }
  const { path } = binary;
  const servers: NatsServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.remove()));
  });

  const start = async (one: NatsServerOptions) => void servers.push(await startNatsServer(one));
  const optionsOf = (patienceMs: number) => ({
    ...testOptions(servers[0] as NatsServer, newNamespace()),
    settings: { replicas: 3, metricsMaxBytes: 64 * 1024 ** 2 },
    classes: ['cpu'],
    patienceMs,
  });

  it('is something that passes, with three copies of every stream, and does when the third is up', async () => {
    const planned = await planNatsCluster({ path });
    await Promise.all(planned.slice(1).map(start));
    const inVain = () => prepareNats(optionsOf(5_000)).catch((error: unknown) => error);

    await expect.poll(inVain, { timeout: 90_000 }).toMatchObject({ kind: 'transient', ...LACKING[which] });
    await Promise.all(planned.slice(0, 1).map(start));

    expect((await prepareNats(optionsOf(60_000))).created).toHaveLength(9);
  }, 180_000);
});
