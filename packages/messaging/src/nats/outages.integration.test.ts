import { setTimeout as delay } from 'node:timers/promises';
import { SweepId, type TrialAssignment, TrialId } from '@adctl/protocol';
import type { NatsServer } from '@adctl/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Messaging } from '../deployment.js';
import type { Priority } from '../trial-queue.js';
import { connectClient, type NatsClient } from './client.js';
import { connectNats, type NatsOptions, prepareNats } from './connect.js';
import { describeOnServers, newNamespace, testOptions } from './deployment.fixtures.js';
import { runSweep } from './run-sweep.fixtures.js';

const assignment = (trial: string, sweep = 's1'): TrialAssignment => ({
  version: 1,
  sweep: SweepId.parse(sweep),
  trial: TrialId.parse(trial),
  generation: 0,
  specKey: `v1/trial/${sweep}/${trial}.json`,
});

await describeOnServers('both', ({ current }) => {
  let server: NatsServer;
  let namespace: string;
  let stop: AbortController;
  const open: { close(): Promise<void> }[] = [];

  const connect = async (more: Partial<NatsOptions> = {}): Promise<Messaging> => {
    const messaging = await connectNats(testOptions(server, namespace, more));
    open.push(messaging);
    return messaging;
  };
  /** A connection beside the adapter, for looking at the server and for mischief. */
  const connectBeside = async (): Promise<NatsClient> => {
    const client = await connectClient({
      servers: [server.url],
      name: 'beside',
      inboxPrefix: '_INBOX_beside',
      firstConnectMs: 0,
      reconnectWaitMs: 50,
      report: () => undefined,
    });
    open.push(client);
    return client;
  };
  const publish = (to: Messaging, trial: string, sweep?: string, priority: Priority = 'normal') =>
    to.queue.publish({
      class: 'cpu',
      priority,
      messageId: crypto.randomUUID(),
      assignment: assignment(trial, sweep),
    });
  const upper = () => namespace.toUpperCase();

  beforeEach(async () => {
    server = current();
    await server.start();
    namespace = newNamespace();
    stop = new AbortController();
    await prepareNats({ ...testOptions(server, namespace), classes: ['cpu'] });
  });
  afterEach(async () => {
    stop.abort();
    await server.start();
    await Promise.all(open.splice(0).map((connection) => connection.close()));
  });

  describe('outages of the server', () => {
    it('lose and double nothing when the server is restarted and killed in the middle of a sweep', async () => {
      const controller = await connect();
      const workers = await Promise.all([1, 2, 3].map((n) => connect({ role: 'worker', identity: `w${n}` })));
      const ending = await runSweep({
        controller,
        workers,
        trials: 60,
        trouble: new Map([
          [
            15,
            async () => {
              await server.stop();
              await server.start();
            },
          ],
          [
            35,
            async () => {
              await server.kill();
              await delay(800); // 8 s scaled down: longer than every pause between two attempts
              await server.start();
            },
          ],
        ]),
      });

      expect(ending).toEqual({ results: 60, doubled: 0, claims: 60, troubles: 2, lostInQueue: 0 });
    });

    it('only delay what is asked meanwhile, and all that waited goes on', async () => {
      const controller = await connect();
      const worker = await connect({ role: 'worker', identity: 'w1' });
      const heard: unknown[] = [];
      await worker.control.subscribe('order.w1', (_topic, payload) => heard.push(payload));
      await controller.control.serve('ping', async () => 'pong');
      const events = controller.events.follow('result.>', { signal: stop.signal })[Symbol.asyncIterator]();
      const followed = events.next();
      const waiting = worker.queue.next({ class: 'cpu', waitMs: 30_000 });
      await controller.queue.contents();

      await server.kill();
      const revision = controller.state.bucket('trial').put('s1.t1', 1);
      const sequence = publish(controller, 't1');
      const appended = worker.events.append('result.s1.t1.0.1', 'x', { once: true });
      await controller.control.publish('order.w1', 'lost'); // nobody may depend on it
      await delay(800);
      await server.start();

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
      const controller = await connect({ patienceMs: 300, report: (problem) => problems.push(problem.code) });
      await server.stop();
      const unreachable = { code: 'controller_unreachable', kind: 'transient' };

      await expect(controller.state.bucket('trial').put('k', 1)).rejects.toMatchObject(unreachable);
      await expect(controller.events.append('a.b', 1)).rejects.toMatchObject(unreachable);
      await expect(controller.control.request('ping', null, { timeoutMs: 200 })).rejects.toMatchObject(unreachable);
      expect(await controller.queue.next({ class: 'cpu', waitMs: 100 })).toBeNull();
      expect(problems).toContain('nats_disconnected');
      await server.start();

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
      await server.stop();

      await expect(connect({ role: 'cli', identity: 'alice' })).rejects.toMatchObject({
        code: 'controller_unreachable',
        message: expect.stringContaining(server.url),
      });
    });

    it('longer than the patience of calls end no follower and no watch', async () => {
      const controller = await connect({ patienceMs: 200 });
      const following = controller.events.follow('a.>', { signal: stop.signal })[Symbol.asyncIterator]();
      const watching = controller.state.bucket('lease').watch('', stop.signal)[Symbol.asyncIterator]();
      expect((await watching.next()).value).toBe('ready');
      const [event, change] = [following.next(), watching.next()];
      await server.kill();
      await delay(1_500);
      await server.start();
      const later = await connect();
      await later.events.append('a.b', 'late');
      await later.state.bucket('lease').put('s1.t1', 'late');

      expect((await event).value).toMatchObject({ data: 'late' });
      expect((await change).value).toMatchObject({ key: 's1.t1', value: 'late' });
    });

    it('let a follower be stopped at once while the server is away', async () => {
      const controller = await connect();
      const following = controller.events.follow('a.>', { signal: stop.signal })[Symbol.asyncIterator]();
      await controller.events.append('a.b', 1);
      expect((await following.next()).value).toMatchObject({ data: 1 });
      const next = following.next();
      await server.stop();
      stop.abort();

      expect(await next).toEqual({ done: true, value: undefined });
    });

    it('make a daemon that starts too early wait for the server', async () => {
      await server.stop();
      const connecting = connect({ role: 'worker', identity: 'w1' });
      await delay(200);
      await server.start();

      expect(await (await connecting).state.bucket('trial').get('k')).toBeNull();
    });

    it('end everything that waits when we close', async () => {
      const controller = await connect();
      const following = controller.events.follow('a.>', { signal: stop.signal })[Symbol.asyncIterator]().next();
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

  describe('consumers deleted behind our back', () => {
    const deleteConsumers = async (beside: NatsClient, stream: string): Promise<number> => {
      const request = (subject: string) => beside.request(subject, '', { timeoutMs: 5_000 });
      const { consumers } = JSON.parse((await request(`$JS.API.CONSUMER.NAMES.${stream}`)).text);
      for (const name of consumers ?? []) await request(`$JS.API.CONSUMER.DELETE.${stream}.${name}`);
      return consumers?.length ?? 0;
    };

    it('make a worker wait without a busy loop until the controller has mended them', async () => {
      const controller = await connect();
      const worker = await connect({ role: 'worker', identity: 'w1' });
      const beside = await connectBeside();
      let pulls = 0;
      beside.subscribe(`$JS.API.CONSUMER.MSG.NEXT.${upper()}_JOBS.>`, () => {
        pulls += 1;
      });
      await publish(controller, 't1');
      expect(await deleteConsumers(beside, `${upper()}_JOBS`)).toBe(3);

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
      const controller = await connect();
      const waiting = controller.queue.next({ class: 'cpu', waitMs: 30_000 });
      await publish(controller, 't0');
      await (await waiting)?.ack();
      await deleteConsumers(await connectBeside(), `${upper()}_JOBS`);
      const again = controller.queue.next({ class: 'cpu', waitMs: 30_000 });
      await publish(controller, 't1');

      expect((await again)?.assignment.trial).toBe('t1');
    });

    it('make a follower continue behind what it has given, without a hole or a repeat', async () => {
      const controller = await connect();
      const beside = await connectBeside();
      const seen: unknown[] = [];
      const following = (async () => {
        for await (const { data } of controller.events.follow('a.>', { signal: stop.signal })) {
          seen.push(data);
          if (seen.length === 40) return;
        }
      })();
      for (let index = 0; index < 40; index += 1) {
        await controller.events.append('a.b', index);
        if (index === 15) await expect.poll(() => deleteConsumers(beside, `${upper()}_EVENTS`)).toBe(1);
      }

      await following;
      expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => index));
    });
  });

  describe('the queue is not the truth', () => {
    it('takes the late ack of a zombie, whose lease is refused all the same', async () => {
      await prepareNats({
        ...testOptions(server, namespace, { settings: { ackWaitMs: 300 } }),
        classes: ['cpu'],
      });
      const settings = { ackWaitMs: 300 };
      const [a, b] = [await connect({ identity: 'a', settings }), await connect({ identity: 'b', settings })];
      await publish(a, 't1');
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
      const controller = await connect();
      for (let index = 0; index < 20; index += 1) {
        await publish(controller, `t${index}`, `s${index % 2}`, index % 3 === 0 ? 'high' : 'normal');
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
      const controller = await connect();
      const events = controller.events.follow('metric.>', { signal: stop.signal })[Symbol.asyncIterator]();
      for (let index = 0; index < 5; index += 1) await controller.events.append(`metric.s${index % 2}.t`, index);
      expect((await events.next()).value).toMatchObject({ data: 0 });
      await controller.events.purge('metric.s0.t');
      await controller.events.append('metric.s1.t', 'after');

      const seen = [];
      while (seen.at(-1) !== 'after') seen.push((await events.next()).value?.data);
      expect(seen).toEqual(expect.arrayContaining([1, 3, 'after']));
    });
  });

  describe('messages of others', () => {
    it('that are no JSON reach readers as text, and end nobody', async () => {
      const controller = await connect();
      const beside = await connectBeside();
      const heard: unknown[] = [];
      await controller.control.subscribe('heartbeat.*', (_topic, payload) => heard.push(payload));
      await controller.control.serve('echo', async (payload) => payload);
      await beside.request(`${namespace}.event.a.b`, 'not json', { timeoutMs: 5_000 });
      await beside.request(`$KV.${namespace}_trial.k`, '{', { timeoutMs: 5_000 });
      beside.publish(`${namespace}.live.heartbeat.w1`, '{{');
      const answer = await beside.request(`${namespace}.api.someone.echo`, 'hello', { timeoutMs: 5_000 });

      expect(answer.text).toBe('"hello"');
      for await (const event of controller.events.read('a.b')) expect(event.data).toBe('not json');
      expect((await controller.state.bucket('trial').get('k'))?.value).toBe('{');
      await expect.poll(() => heard).toEqual(['{{']);
    });

    it('that are no assignment are left to workers of another version, with a clear error', async () => {
      const controller = await connect();
      await (await connectBeside()).request(`${namespace}.job.cpu.high.s1.t1`, '{"version":2}', { timeoutMs: 5_000 });
      const notUnderstood = { code: 'queue_message_not_understood', kind: 'permanent', details: { sequence: 1 } };

      await expect(controller.queue.next({ class: 'cpu', waitMs: 5_000 })).rejects.toMatchObject(notUnderstood);
      expect(await controller.queue.contents()).toMatchObject([
        { class: 'cpu', priority: 'high', sweep: 's1', trial: 't1', sequence: 1, assignment: undefined },
      ]);
      expect(await controller.queue.remove(1)).toBe(true);
    });

    it('answer discovery: each verb is a service with its statistics', async () => {
      const controller = await connect();
      await controller.control.serve('sweeps.list', async () => []);
      await controller.control.request('sweeps.list', null);
      const beside = await connectBeside();
      const answer = await beside.request('$SRV.STATS.adctl-sweeps-list', '', { timeoutMs: 5_000 });

      expect(JSON.parse(answer.text)).toMatchObject({ endpoints: [{ num_requests: 1, num_errors: 0 }] });
    });
  });

  describe('size', () => {
    it('serves 600 slots that wait at once', async () => {
      const controller = await connect();
      const worker = await connect({ role: 'worker', identity: 'w1' });
      const waiting = Array.from({ length: 600 }, () => worker.queue.next({ class: 'cpu', waitMs: 20_000 }));
      await Promise.all(Array.from({ length: 600 }, (_, index) => publish(controller, `t${index}`)));

      const trials = new Set((await Promise.all(waiting)).map((delivery) => delivery?.assignment.trial));
      expect(trials.size).toBe(600);
    });

    it('brings everything to a follower that pauses, a batch at a time', async () => {
      const controller = await connect();
      const total = 3_000;
      const seen: unknown[] = [];
      await controller.events.append('metric.s1.t1', 'first');
      for await (const { data } of controller.events.follow('metric.>', { signal: stop.signal })) {
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
      const controller = await connect();

      await expect(controller.state.bucket('trial').put('k', 'x'.repeat(1024 ** 2))).rejects.toMatchObject({
        code: 'message_too_large',
        kind: 'permanent',
      });
    });
  });

  describe('preparing', () => {
    it('changes nothing the second time, and only what differs the third', async () => {
      const options = { ...testOptions(server, namespace), classes: ['cpu', 'gpu24'] };

      expect(await prepareNats(options)).toMatchObject({ created: [], updated: [] });
      const settings = { ...options.settings, metricsMaxBytes: 32 * 1024 ** 2 };
      expect(await prepareNats({ ...options, settings })).toMatchObject({
        created: [],
        updated: [`${upper()}_METRICS`],
      });
    });

    it('refuses more replicas than there are servers', async () => {
      const options = testOptions(server, newNamespace(), { settings: { replicas: 3 }, patienceMs: 500 });

      await expect(prepareNats({ ...options, classes: [] })).rejects.toMatchObject({ code: 'nats_api_error' });
    });

    it('tells that nothing is prepared', async () => {
      const controller = await connectNats(testOptions(server, newNamespace()));
      open.push(controller);

      await expect(controller.state.bucket('trial').get('k')).rejects.toMatchObject({ code: 'nats_not_prepared' });
    });
  });
});
