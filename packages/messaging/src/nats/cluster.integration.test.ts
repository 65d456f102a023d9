import { setTimeout as delay } from 'node:timers/promises';
import { findNatsBinaries, type NatsCluster, type NatsServer, startNatsCluster } from '@adctl/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectClient } from './client.js';
import { connectNats, prepareNats } from './connect.js';
import { newNamespace, testOptions } from './deployment.fixtures.js';
import { runSweep } from './run-sweep.fixtures.js';

const { newest } = await findNatsBinaries();
if ('missing' in newest) {
  describe('a cluster of three servers', () => {
    it.skip(`could not be had: ${newest.missing}`, () => undefined);
  });
} else {
  describe(`a cluster of three servers ${newest.version}`, () => {
    let cluster: NatsCluster;
    let servers: readonly NatsServer[];
    const namespace = newNamespace();
    const optionsOf = () => ({
      ...testOptions(servers[0] as NatsServer, namespace),
      servers: servers.map((server) => server.url),
      settings: { replicas: 3, metricsMaxBytes: 64 * 1024 ** 2 },
      patienceMs: 40_000,
    });
    beforeAll(async () => {
      cluster = await startNatsCluster({ path: newest.path });
      servers = cluster.servers;
      // Nine streams of three copies each elect their leaders here: 6 s on two busy cores, more when they are busier.
      await prepareNats({ ...optionsOf(), classes: ['cpu'] });
    });
    beforeEach(() => Promise.all(servers.map((server) => server.start())));
    afterAll(() => cluster.remove());

    it('loses and doubles nothing when the leader of the queue is killed in the middle of a sweep', async () => {
      const options = optionsOf();
      const [controller, ...workers] = await Promise.all(
        ['c', 'w1', 'w2', 'w3'].map((identity) => connectNats({ ...options, identity })),
      );
      if (controller === undefined) throw new Error('no connection');
      const killLeader = async () => {
        const beside = await connectClient({
          servers: options.servers,
          name: 'beside',
          inboxPrefix: '_INBOX_beside',
          firstConnectMs: 0,
          reconnectWaitMs: 50,
          report: () => undefined,
        });
        const stream = `${namespace.toUpperCase()}_JOBS`;
        const info = await beside.request(`$JS.API.STREAM.INFO.${stream}`, '', { timeoutMs: 5_000 });
        await beside.close();
        const { leader } = JSON.parse(info.text).cluster as { leader: string };
        await cluster.named(leader).kill();
      };

      const ending = await runSweep({ controller, workers, trials: 60, trouble: new Map([[20, killLeader]]) });

      expect(ending).toEqual({ results: 60, doubled: 0, claims: 60, troubles: 1, lostInQueue: 0 });
      await Promise.all([controller, ...workers].map((connection) => connection.close()));
      // A new leader takes 6 to 8 s, every call outlasts 40 s of silence, and a call may follow another.
    }, 180_000);

    it('leaves a server that hangs for one that answers before a call runs out of patience', async () => {
      const [hanging] = servers;
      if (hanging === undefined) throw new Error('no server');
      const { patienceMs: _, ...options } = optionsOf(); // as in production
      const controller = await connectNats({ ...options, servers: [hanging.url], identity: 'c' });
      process.kill(hanging.pid, 'SIGSTOP');
      try {
        expect(await controller.state.bucket('trial').put('k', 1)).toEqual(expect.any(Number));
      } finally {
        process.kill(hanging.pid, 'SIGCONT');
      }
      await controller.close();
    });

    it('lets those follow who begin when a server dies, wherever their consumers are placed', async () => {
      const controller = await connectNats({ ...optionsOf(), identity: 'c' });
      const stop = new AbortController();
      const follow = async () => {
        for await (const { data } of controller.events.follow('a.>', { signal: stop.signal })) return data;
        return 'nothing';
      };
      await controller.events.append('a.b', 'here');
      const victim = servers.find((server) => !cluster.placesAll(server));
      if (victim === undefined) throw new Error('every server places');
      let death = Promise.resolve();

      // The leader takes the dead server for a living one a moment longer, and places some of these on it.
      const firsts: Promise<unknown>[] = [];
      for (let count = 0; count < 24; count += 1) {
        firsts.push(follow());
        if (count === 2) death = victim.kill();
        await delay(2);
      }

      expect(await Promise.all(firsts)).toEqual(firsts.map(() => 'here'));
      await death;
      stop.abort();
      await controller.close();
    }, 120_000);
  });
}
