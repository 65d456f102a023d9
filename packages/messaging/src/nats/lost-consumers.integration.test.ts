import { describe, expect, it } from 'vitest';
import type { NatsClient } from './core-nats.js';
import { describeOnServers } from './deployment.fixtures.js';
import { useDeployment } from './use-deployment.fixtures.js';

await describeOnServers('both', ({ current }) => {
  const deployment = useDeployment(current);

  describe('consumers deleted behind our back', () => {
    const deleteConsumers = async (beside: NatsClient, stream: string): Promise<number> => {
      const request = (subject: string) => beside.request(subject, '', { timeoutMs: 5_000 });
      const { consumers } = JSON.parse((await request(`$JS.API.CONSUMER.NAMES.${stream}`)).text);
      for (const name of consumers ?? []) await request(`$JS.API.CONSUMER.DELETE.${stream}.${name}`);
      return consumers?.length ?? 0;
    };

    it('make a worker wait without a busy loop until the controller has mended them', async () => {
      const controller = await deployment.connect();
      const worker = await deployment.connect({ role: 'worker', identity: 'w1' });
      const beside = await deployment.connectBeside();
      let pulls = 0;
      beside.subscribe(`$JS.API.CONSUMER.MSG.NEXT.${deployment.stream('JOBS')}.>`, () => {
        pulls += 1;
      });
      await deployment.publish(controller, 't1');
      expect(await deleteConsumers(beside, deployment.stream('JOBS'))).toBe(3);

      await expect(worker.queue.next({ class: 'cpu', waitMs: 1_500 })).rejects.toMatchObject({
        code: 'nats_not_prepared',
        kind: 'transient',
      });
      expect(pulls).toBeGreaterThan(3);
      expect(pulls).toBeLessThan(40);
      const waiting = worker.queue.next({ class: 'cpu', waitMs: 30_000 });
      await controller.queue.contents(); // what the reconciler does
      expect((await waiting)?.assignment.trial).toBe('t1');
    });

    it('are made again by a controller that waits itself', async () => {
      const controller = await deployment.connect();
      const waiting = controller.queue.next({ class: 'cpu', waitMs: 30_000 });
      await deployment.publish(controller, 't0');
      await (await waiting)?.ack();
      await deleteConsumers(await deployment.connectBeside(), deployment.stream('JOBS'));
      const again = controller.queue.next({ class: 'cpu', waitMs: 30_000 });
      await deployment.publish(controller, 't1');

      expect((await again)?.assignment.trial).toBe('t1');
    });

    it('make a follower continue behind what it has given, without a hole or a repeat', async () => {
      const controller = await deployment.connect();
      const beside = await deployment.connectBeside();
      const seen: unknown[] = [];
      const following = (async () => {
        for await (const { data } of controller.events.follow('a.>', { signal: deployment.stop.signal })) {
          seen.push(data);
          if (seen.length === 40) return;
        }
      })();
      for (let index = 0; index < 40; index += 1) {
        await controller.events.append('a.b', index);
        if (index === 15) await expect.poll(() => deleteConsumers(beside, deployment.stream('EVENTS'))).toBe(1);
      }

      await following;
      expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => index));
    });
  });
});
