import { describe, expect, it } from 'vitest';
import { describeOnServers } from './deployment.fixtures.js';
import { useDeployment } from './use-deployment.fixtures.js';

await describeOnServers('both', ({ current }) => {
  const deployment = useDeployment(current);

  describe('size', () => {
    it('serves 600 slots that wait at once', async () => {
      const controller = await deployment.connect();
      const worker = await deployment.connect({ role: 'worker', identity: 'w1' });
      const waiting = Array.from({ length: 600 }, () => worker.queue.next({ class: 'cpu', waitMs: 20_000 }));
      await Promise.all(Array.from({ length: 600 }, (_, index) => deployment.publish(controller, `t${index}`)));

      const trials = new Set((await Promise.all(waiting)).map((delivery) => delivery?.assignment.trial));
      expect(trials.size).toBe(600);
    });

    it('brings everything to a follower that pauses, a batch at a time', async () => {
      const controller = await deployment.connect();
      const total = 3_000;
      const seen: unknown[] = [];
      await controller.events.append('metric.s1.t1', 'first');
      for await (const { data } of controller.events.follow('metric.>', { signal: deployment.stop.signal })) {
        if (seen.length === 0) {
          const events = Array.from({ length: total }, (_, index) => ({ subject: 'metric.s1.t1', data: index }));
          await controller.events.appendAll(events);
        }
        seen.push(data);
        if (seen.length === total + 1) break;
      }

      expect(seen).toEqual(['first', ...Array.from({ length: total }, (_, index) => index)]);
    });

    it('names the mend for a value that no message can carry', async () => {
      const controller = await deployment.connect();

      await expect(controller.state.bucket('trial').put('k', 'x'.repeat(1024 ** 2))).rejects.toMatchObject({
        code: 'message_too_large',
        kind: 'permanent',
      });
    });
  });
});
