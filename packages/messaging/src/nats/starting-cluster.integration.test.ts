import { findNatsBinaries, freePorts, type NatsServer, startNatsServer } from '@adctl/testkit';
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

  /** Starts two of three servers. @returns the function that starts the third. */
  async function startTwo(): Promise<() => Promise<void>> {
    const ports = await freePorts(6);
    const routes = ports.slice(3).map((port) => `nats://127.0.0.1:${port}`);
    const startOne = async (index: number) => {
      const own = `host: 127.0.0.1, port: ${ports[3 + index]}`;
      const config = `server_name: n${index}\ncluster { name: c, ${own}, routes: [${routes.join(', ')}] }`;
      servers.push(await startNatsServer({ path, port: ports[index] as number, config }));
    };
    await Promise.all([startOne(0), startOne(1)]);
    return () => startOne(2);
  }
  const optionsOf = (patienceMs: number) => ({
    ...testOptions(servers[0] as NatsServer, newNamespace()),
    settings: { replicas: 3, metricsMaxBytes: 64 * 1024 ** 2 },
    classes: ['cpu'],
    patienceMs,
  });

  it('is something that passes, with three copies of every stream, and does when the third is up', async () => {
    const startThird = await startTwo();
    const inVain = () => prepareNats(optionsOf(5_000)).catch((error: unknown) => error);

    await expect.poll(inVain, { timeout: 90_000 }).toMatchObject({ kind: 'transient', ...LACKING[which] });
    await startThird();

    expect((await prepareNats(optionsOf(60_000))).created).toHaveLength(9);
  }, 180_000);
});
