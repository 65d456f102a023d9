import { describe, expect, it } from 'vitest';
import { prepareNats } from './connect.js';
import { describeOnServers, testOptions } from './deployment.fixtures.js';
import { useDeployment } from './use-deployment.fixtures.js';

await describeOnServers('both', ({ current }) => {
  const deployment = useDeployment(current);

  describe('the queue is not the truth', () => {
    it('takes the late ack of a zombie, whose lease is refused all the same', async () => {
      await prepareNats({
        ...testOptions(deployment.server, deployment.namespace, { settings: { ackWaitMs: 300 } }),
        classes: ['cpu'],
      });
      const settings = { ackWaitMs: 300 };
      const [a, b] = [
        await deployment.connect({ identity: 'a', settings }),
        await deployment.connect({ identity: 'b', settings }),
      ];
      await deployment.publish(a, 't1');
      const zombie = await a.queue.next({ class: 'cpu', waitMs: 5_000 });
      const leases = { a: a.state.bucket('lease'), b: b.state.bucket('lease') };
      const first = await leases.a.create('s1.t1', { attempt: 1 });
      const owner = await b.queue.next({ class: 'cpu', waitMs: 5_000 });
      expect(owner?.deliveries).toBe(2);
      const second = await leases.b.update('s1.t1', { attempt: 2 }, first ?? 0);

      await zombie?.ack();
      expect(await leases.a.update('s1.t1', { attempt: 1 }, first ?? 0)).toBeNull();
      expect(await a.queue.contents()).toEqual([]);
      expect(await leases.b.update('s1.t1', { attempt: 2, renewed: true }, second ?? 0)).toEqual(expect.any(Number));
      await owner?.ack();
    });

    it('keeps the other sweep deliverable when one is cancelled with trials waiting and in flight', async () => {
      const controller = await deployment.connect();
      for (let index = 0; index < 20; index += 1) {
        await deployment.publish(controller, `t${index}`, `s${index % 2}`, index % 3 === 0 ? 'high' : 'normal');
      }
      const held = [1, 2, 3, 4].map(() => controller.queue.next({ class: 'cpu', waitMs: 5_000 }));
      const taken = (await Promise.all(held)).map((delivery) => `${delivery?.assignment.sweep}`);
      for (const { sweep, sequence } of await controller.queue.contents()) {
        if (sweep === 's0') expect(await controller.queue.remove(sequence)).toBe(true);
      }
      const left = [];
      for (
        let delivery = await controller.queue.next({ class: 'cpu', waitMs: 300 });
        delivery !== null;
        delivery = await controller.queue.next({ class: 'cpu', waitMs: 300 })
      ) {
        left.push(delivery.assignment.sweep);
        await delivery.ack();
      }

      expect(new Set(left)).toEqual(new Set(['s1']));
      expect(left.length + taken.filter((sweep) => sweep === 's1').length).toBe(10);
    });

    it('gives a follower everything that comes after a purge beside it', async () => {
      const controller = await deployment.connect();
      const events = controller.events.follow('metric.>', { signal: deployment.stop.signal })[Symbol.asyncIterator]();
      for (let index = 0; index < 5; index += 1) await controller.events.append(`metric.s${index % 2}.t`, index);
      expect((await events.next()).value).toMatchObject({ data: 0 });
      await controller.events.purge('metric.s0.t');
      await controller.events.append('metric.s1.t', 'after');

      const seen = [];
      while (seen.at(-1) !== 'after') seen.push((await events.next()).value?.data);
      expect(seen).toEqual(expect.arrayContaining([1, 3, 'after']));
    });
  });
});
