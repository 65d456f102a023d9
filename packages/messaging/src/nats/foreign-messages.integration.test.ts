import { describe, expect, it } from 'vitest';
import { describeOnServers } from './deployment.fixtures.js';
import { useDeployment } from './use-deployment.fixtures.js';

await describeOnServers('both', ({ current }) => {
  const deployment = useDeployment(current);

  describe('messages of others', () => {
    it('that are no JSON reach readers as text, and end nobody', async () => {
      const controller = await deployment.connect();
      const beside = await deployment.connectBeside();
      const heard: unknown[] = [];
      await controller.control.subscribe('heartbeat.*', (_topic, payload) => heard.push(payload));
      await controller.control.serve('echo', async (payload) => payload);
      await beside.request(`${deployment.namespace}.event.a.b`, 'not json', { timeoutMs: 5_000 });
      await beside.request(`$KV.${deployment.namespace}_trial.k`, '{', { timeoutMs: 5_000 });
      beside.publish(`${deployment.namespace}.live.heartbeat.w1`, '{{');
      const answer = await beside.request(`${deployment.namespace}.api.someone.echo`, 'hello', { timeoutMs: 5_000 });

      expect(answer.text).toBe('"hello"');
      for await (const event of controller.events.read('a.b')) expect(event.data).toBe('not json');
      expect((await controller.state.bucket('trial').get('k'))?.value).toBe('{');
      await expect.poll(() => heard).toEqual(['{{']);
    });

    it('that are no assignment are left to workers of another version, with a clear error', async () => {
      const controller = await deployment.connect();
      await (await deployment.connectBeside()).request(`${deployment.namespace}.job.cpu.high.s1.t1`, '{"version":2}', {
        timeoutMs: 5_000,
      });
      const notUnderstood = { code: 'queue_message_not_understood', kind: 'permanent', details: { sequence: 1 } };

      await expect(controller.queue.next({ class: 'cpu', waitMs: 5_000 })).rejects.toMatchObject(notUnderstood);
      expect(await controller.queue.contents()).toMatchObject([
        { class: 'cpu', priority: 'high', sweep: 's1', trial: 't1', sequence: 1, assignment: undefined },
      ]);
      expect(await controller.queue.remove(1)).toBe(true);
    });

    it('answer discovery: each verb is a service with its statistics', async () => {
      const controller = await deployment.connect();
      await controller.control.serve('sweeps.list', async () => []);
      await controller.control.request('sweeps.list', null);
      const beside = await deployment.connectBeside();
      const answer = await beside.request('$SRV.STATS.adctl-sweeps-list', '', { timeoutMs: 5_000 });

      expect(JSON.parse(answer.text)).toMatchObject({ endpoints: [{ num_requests: 1, num_errors: 0 }] });
    });
  });
});
