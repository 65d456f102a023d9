import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { describeOnServers } from './deployment.fixtures.js';
import { runSweep } from './run-sweep.fixtures.js';
import { useDeployment } from './use-deployment.fixtures.js';

await describeOnServers('both', ({ current }) => {
  const deployment = useDeployment(current);

  describe('outages of the server', () => {
    it('lose and double nothing when the server is restarted and killed in the middle of a sweep', async () => {
      const controller = await deployment.connect();
      const workers = await Promise.all(
        [1, 2, 3].map((n) => deployment.connect({ role: 'worker', identity: `w${n}` })),
      );
      const ending = await runSweep({
        controller,
        workers,
        trials: 60,
        trouble: new Map([
          [
            15,
            async () => {
              await deployment.server.stop();
              await deployment.server.start();
            },
          ],
          [
            35,
            async () => {
              await deployment.server.kill();
              await delay(800); // 8 s scaled down: longer than every pause between two attempts
              await deployment.server.start();
            },
          ],
        ]),
      });

      expect(ending).toEqual({ results: 60, doubled: 0, claims: 60, troubles: 2, lostInQueue: 0 });
    });

    it('only delay what is asked meanwhile, and all that waited goes on', async () => {
      const controller = await deployment.connect();
      const worker = await deployment.connect({ role: 'worker', identity: 'w1' });
      const heard: unknown[] = [];
      await worker.control.subscribe('order.w1', (_topic, payload) => heard.push(payload));
      await controller.control.serve('ping', async () => 'pong');
      const events = controller.events.follow('result.>', { signal: deployment.stop.signal })[Symbol.asyncIterator]();
      const followed = events.next();
      const waiting = worker.queue.next({ class: 'cpu', waitMs: 30_000 });
      await controller.queue.contents();

      await deployment.server.kill();
      const revision = controller.state.bucket('trial').put('s1.t1', 1);
      const sequence = deployment.publish(controller, 't1');
      const appended = worker.events.append('result.s1.t1.0.1', 'x', { once: true });
      await controller.control.publish('order.w1', 'lost'); // nobody may depend on it
      await delay(800);
      await deployment.server.start();

      expect(await revision).toEqual(expect.any(Number));
      expect(await appended).toMatchObject({ duplicate: false });
      expect((await waiting)?.sequence).toBe((await sequence).sequence);
      expect((await followed).value).toMatchObject({ data: 'x' });
      expect(await worker.control.request('ping', null)).toBe('pong');
      await controller.control.publish('order.w1', 'heard');
      await expect.poll(() => heard).toEqual(['heard']);
      expect(controller.closed.aborted).toBe(false);
    });

    it('end calls with a clear error once the patience is over, and the connection still recovers', async () => {
      const problems: string[] = [];
      const controller = await deployment.connect({
        patienceMs: 300,
        report: (problem) => problems.push(problem.code),
      });
      await deployment.server.stop();
      const unreachable = { code: 'controller_unreachable', kind: 'transient' };

      await expect(controller.state.bucket('trial').put('k', 1)).rejects.toMatchObject(unreachable);
      await expect(controller.events.append('a.b', 1)).rejects.toMatchObject(unreachable);
      await expect(controller.control.request('ping', null, { timeoutMs: 200 })).rejects.toMatchObject(unreachable);
      expect(await controller.queue.next({ class: 'cpu', waitMs: 100 })).toBeNull();
      expect(problems).toContain('nats_disconnected');
      await deployment.server.start();

      await expect
        .poll(
          () =>
            controller.state
              .bucket('trial')
              .put('k', 1)
              .catch(() => null),
          { timeout: 10_000 },
        )
        .toEqual(expect.any(Number));
    });

    it('say at once that no server is there, to a person; and where', async () => {
      await deployment.server.stop();

      await expect(deployment.connect({ role: 'cli', identity: 'alice' })).rejects.toMatchObject({
        code: 'controller_unreachable',
        message: expect.stringContaining(deployment.server.url),
      });
    });

    it('longer than the patience of calls end no follower and no watch', async () => {
      const controller = await deployment.connect({ patienceMs: 200 });
      const following = controller.events.follow('a.>', { signal: deployment.stop.signal })[Symbol.asyncIterator]();
      const watching = controller.state.bucket('lease').watch('', deployment.stop.signal)[Symbol.asyncIterator]();
      expect((await watching.next()).value).toBe('ready');
      const [event, change] = [following.next(), watching.next()];
      await deployment.server.kill();
      await delay(1_500);
      await deployment.server.start();
      const later = await deployment.connect();
      await later.events.append('a.b', 'late');
      await later.state.bucket('lease').put('s1.t1', 'late');

      expect((await event).value).toMatchObject({ data: 'late' });
      expect((await change).value).toMatchObject({ key: 's1.t1', value: 'late' });
    });

    it('let a follower be stopped at once while the server is away', async () => {
      const controller = await deployment.connect();
      const following = controller.events.follow('a.>', { signal: deployment.stop.signal })[Symbol.asyncIterator]();
      await controller.events.append('a.b', 1);
      expect((await following.next()).value).toMatchObject({ data: 1 });
      const next = following.next();
      await deployment.server.stop();
      deployment.stop.abort();

      expect(await next).toEqual({ done: true, value: undefined });
    });

    it('make a daemon that starts too early wait for the server', async () => {
      await deployment.server.stop();
      const connecting = deployment.connect({ role: 'worker', identity: 'w1' });
      await delay(200);
      await deployment.server.start();

      expect(await (await connecting).state.bucket('trial').get('k')).toBeNull();
    });

    it('end everything that waits when we close', async () => {
      const controller = await deployment.connect();
      const following = controller.events
        .follow('a.>', { signal: deployment.stop.signal })
        [Symbol.asyncIterator]()
        .next();
      const waiting = controller.queue.next({ class: 'cpu', waitMs: 30_000 });
      const settled = Promise.allSettled([following, waiting]);
      await controller.queue.contents();
      await controller.close();

      const reason = expect.objectContaining({ code: 'controller_unreachable' });
      expect(await settled).toEqual([
        { status: 'rejected', reason },
        { status: 'rejected', reason },
      ]);
      expect(controller.closed.reason).toEqual(reason);
      await expect(controller.state.bucket('trial').get('k')).rejects.toEqual(reason);
    });
  });
});
