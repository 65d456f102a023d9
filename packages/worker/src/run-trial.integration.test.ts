import { AdctlError, sha256, WorkerHeartbeat } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ACK_WAIT_MS, type Bench, createBench, kindOf } from './testing/bench.fixtures.js';

let bench: Bench;
beforeEach(() => {
  bench = createBench();
});
afterEach(() => bench.close());

/** Long enough to be interrupted, with a checkpoint after every epoch. */
const LONG = { epochs: 200, epochMs: 50 };

describe('a trial', () => {
  test('runs once: result object, then event, lease released, message gone', async () => {
    const trial = await bench.addTrial({ auroc: 0.75 });
    const { id } = bench.startWorker();

    const event = await bench.nextEvent('result', trial);
    const { lease } = await bench.untilLease(trial, ({ released }) => released === true);
    await bench.untilQueueEmpty();

    expect(event).toMatchObject({ attempt: 1, ending: { state: 'completed' } });
    expect(await bench.result(trial)).toMatchObject({ attempt: 1, worker: id, selection: { auroc: 0.75 } });
    expect(lease).toMatchObject({ attempt: 1, worker: id });
  });

  test('sends its epochs as metric columns before its result', async () => {
    const trial = await bench.addTrial({ epochs: 3, auroc: 0.5 });
    bench.startWorker();

    await bench.nextEvent('result', trial);
    const epochs: number[] = [];
    for await (const { data } of bench.messaging.events.read(`metric.toy-00000000.${trial}`)) {
      epochs.push(...(data as { epochs: number[] }).epochs);
    }

    expect(epochs).toEqual([1, 2, 3]);
  });

  test('tells of its committed checkpoints with the heartbeats', async () => {
    const told = Promise.withResolvers<unknown>();
    await bench.messaging.control.subscribe('heartbeat.*', (_topic, payload) => {
      const [first] = WorkerHeartbeat.parse(payload).checkpoints ?? [];
      if (first !== undefined) told.resolve(first);
    });
    await bench.addTrial(LONG);
    bench.startWorker();

    expect(await told.promise).toEqual({ seconds: expect.any(Number), bytes: expect.any(Number) });
  });

  test.each([
    ['final', { state: 'completed' }],
    ['paused', { state: 'paused' }],
    ['of another generation', { generation: 1 }],
  ] as const)('that is %s is dropped from the queue without a claim', async (_, record) => {
    const trial = await bench.addTrial({}, { record });
    bench.startWorker();

    await bench.untilQueueEmpty();

    expect(await bench.messaging.state.bucket('lease').get(`toy-00000000.${trial}`)).toBeNull();
    expect(await bench.result(trial)).toBeNull();
  });

  test('diverges into a result at once, not into a failed attempt', async () => {
    const trial = await bench.addTrial({ failure: 'diverge' });
    bench.startWorker();

    const event = await bench.nextEvent('result', trial);

    expect(event).toMatchObject({ ending: { state: 'diverged' } });
    expect((await bench.result(trial))?.ending.reason).toContain('not finite');
  });

  test('delivered twice is trained once: the second message is dropped or given back', async () => {
    const trial = await bench.addTrial({ epochs: 5, epochMs: 50 });
    await bench.messaging.queue.publish({
      class: 'cpu',
      priority: 'high', // another priority is another message
      messageId: 'twin',
      assignment: {
        version: 1,
        sweep: 'toy-00000000' as never,
        trial,
        generation: 0,
        specKey: `v1/trial/toy-00000000/${trial}.json`,
      },
    });
    bench.startWorker();
    bench.startWorker();

    await bench.nextEvent('result', trial);
    const record = bench.messaging.state.bucket('trial');
    const entry = await record.get(`toy-00000000.${trial}`);
    await record.put(`toy-00000000.${trial}`, { ...(entry?.value as object), state: 'completed' }); // the controller's part
    await bench.untilQueueEmpty();

    expect((await bench.result(trial))?.attempt).toBe(1);
    const { lease } = await bench.untilLease(trial, () => true);
    expect(lease.attempt).toBe(1);
  });

  test('whose result exists adopts it: nothing is overwritten, the event names the first ending', async () => {
    const trial = await bench.addTrial({ auroc: 0.9 });
    bench.startWorker();
    await bench.nextEvent('result', trial);
    await bench.untilQueueEmpty();

    await bench.enqueue(trial); // the record still says dispatched, as after a lost event
    const { lease } = await bench.untilLease(trial, ({ attempt, released }) => attempt === 2 && released === true);

    expect(lease.attempt).toBe(2);
    expect((await bench.result(trial))?.attempt).toBe(1);
  });
});

describe('a claim', () => {
  test('taken away in mid-training ends the training at once, and nothing is written or acked afterwards', async () => {
    const trial = await bench.addTrial(LONG);
    const { worker } = bench.startWorker();
    await bench.untilEpoch(trial, 3);
    const [pid] = worker.trainerPids();

    const { lease } = await bench.untilLease(trial, () => true);
    const bucket = bench.messaging.state.bucket('lease');
    await bucket.put(`toy-00000000.${trial}`, { ...lease, attempt: lease.attempt + 1, released: true });
    const { lease: next } = await bench.untilLease(trial, ({ attempt }) => attempt === 3);
    const secondAttempts = (await bench.objectKeys()).filter((key) => key.includes('/a2/'));
    worker.drain();
    const release = await bench.nextEvent('release', trial);
    const said = await bench.events();

    expect(pid).toBeDefined();
    expect(() => process.kill(pid!, 0)).toThrow(); // the first training process is dead
    expect(next.attempt).toBe(3); // the message came back by itself, and the next claim went past the fence
    expect(secondAttempts).toEqual([]);
    expect(release.attempt).toBe(3);
    expect(said.filter((subject) => /^(attempt|release|result)\./.test(subject))).toHaveLength(1);
  });

  test('of a living worker is respected, and taken over once it is released', async () => {
    const trial = await bench.addTrial({ auroc: 0.6 });
    const bucket = bench.messaging.state.bucket('lease');
    const foreign = { attempt: 4, worker: 'w-other', renewedAt: new Date().toISOString() };
    await bucket.put(`toy-00000000.${trial}`, foreign);
    const { id } = bench.startWorker();

    const [entry] = await bench.messaging.queue.contents();
    await bucket.put(`toy-00000000.${trial}`, { ...foreign, released: true });
    const event = await bench.nextEvent('result', trial);

    expect(entry).toBeDefined();
    expect(event.attempt).toBe(5);
    expect((await bench.result(trial))?.worker).toBe(id);
  });

  test('is kept while training takes longer than the ack wait', async () => {
    const trial = await bench.addTrial({ epochs: 6, epochMs: ACK_WAIT_MS / 4 });
    bench.startWorker();
    bench.startWorker(); // would take a message that came back

    const event = await bench.nextEvent('result', trial);

    expect(event.attempt).toBe(1);
  });
});

describe('an attempt', () => {
  test('whose process is killed is stored as infra, and the next one goes on from the checkpoint', async () => {
    const trial = await bench.addTrial({ epochs: 40, epochMs: 20 });
    const { worker } = bench.startWorker();
    await bench.untilEpoch(trial, 5);

    process.kill(worker.trainerPids()[0]!, 'SIGKILL');
    const failed = await bench.nextEvent('attempt', trial);
    await bench.untilQueueEmpty();
    await bench.enqueue(trial); // the controller's part
    const event = await bench.nextEvent('result', trial);

    expect(kindOf(await bench.attemptRecord(failed))).toEqual(['infra', 'trainer_died']);
    expect(event.attempt).toBe(2);
    expect((await bench.result(trial))?.steps).toBe(2); // noop: how many attempts trained the state it ended with
  });

  test.each([
    ['throw', 'user', 'noop_failed'],
    ['oom', 'oom-host', 'unexpected'],
    ['abort', 'infra', 'trainer_died'],
    ['exit', 'infra', 'trainer_died'],
  ] as const)('that ends by %s is stored as %s, once, and acked', async (failure, failureClass, code) => {
    const trial = await bench.addTrial({ failure, exitCode: 0 });
    bench.startWorker();

    const event = await bench.nextEvent('attempt', trial);
    await bench.untilQueueEmpty();

    expect(kindOf(await bench.attemptRecord(event))).toEqual([failureClass, code]);
    expect(await bench.result(trial)).toBeNull();
  });

  test('that hangs is ended by its timeout', async () => {
    const trial = await bench.addTrial({ failure: 'hang' }, { spec: { timeoutMs: 500 } });
    bench.startWorker();

    const event = await bench.nextEvent('attempt', trial);

    expect(kindOf(await bench.attemptRecord(event))).toEqual(['timeout', 'timeout']);
  });

  test('is refused when the spec was planned with other code', async () => {
    const trial = await bench.addTrial();
    bench.startWorker({ codeVersion: sha256('other code'), otherCode: 'refused' });

    const event = await bench.nextEvent('attempt', trial);

    expect(kindOf(await bench.attemptRecord(event))).toEqual(['infra', 'code_version_mismatch']);
  });

  test.each([
    ['a person accepted that', { accepted: true, otherCode: 'refused' }],
    ['the worker is told to', { accepted: false, otherCode: 'trained' }],
  ] as const)('is trained with other code than planned when %s, and its result tells the code', async (_, how) => {
    const other = sha256('other code');
    const trial = await bench.addTrial({ epochs: 2 }, { codeChangeAccepted: how.accepted });
    bench.startWorker({ codeVersion: other, otherCode: how.otherCode });

    await bench.nextEvent('result', trial);

    expect(await bench.result(trial)).toMatchObject({ ending: { state: 'completed' }, codeVersion: other });
  });

  test('begins anew where its checkpoint is of other code', async () => {
    const trial = await bench.addTrial(LONG, { codeChangeAccepted: true });
    const { worker } = bench.startWorker({ otherCode: 'refused' });
    await bench.untilEpoch(trial, 3);
    worker.drain();
    await bench.nextEvent('release', trial);

    const anew = bench.untilLogged(trial, 'Training begins anew');
    bench.startWorker({ codeVersion: sha256('other code'), otherCode: 'refused' });

    await anew;
  });

  test('fails as infra when its spec is missing', async () => {
    const trial = await bench.addTrial();
    await bench.objects.delete(`v1/trial/toy-00000000/${trial}.json`);
    bench.startWorker();

    const event = await bench.nextEvent('attempt', trial);

    expect(kindOf(await bench.attemptRecord(event))).toEqual(['infra', 'spec_missing']);
  });

  test('whose result can never be stored is a failed attempt that tells why, and acked', async () => {
    const trial = await bench.addTrial({ auroc: 0.6 });
    bench.startWorker({ objects: refusing(bench.objects, { 'v1/result/': Number.POSITIVE_INFINITY }) });

    const event = await bench.nextEvent('attempt', trial);
    await bench.untilQueueEmpty();

    const record = await bench.attemptRecord(event);
    expect(kindOf(record)).toEqual(['user', 'storage_denied']);
    expect(record.failure).toMatchObject({ kind: 'permanent', message: expect.stringContaining('v1/result/') });
    expect(await bench.result(trial)).toBeNull();
  });

  test('of which log and curves can never be stored still tells how it ended', async () => {
    const trial = await bench.addTrial({ epochs: 3, failure: 'throw', failEpoch: 3 });
    bench.startWorker({ objects: refusing(bench.objects, { 'v1/trial-artifact/': Number.POSITIVE_INFINITY }) });

    const event = await bench.nextEvent('attempt', trial);

    expect(kindOf(await bench.attemptRecord(event))).toEqual(['user', 'noop_failed']);
  });

  test('gives its message back when not even that can be stored, and the next attempt stores its result', async () => {
    const trial = await bench.addTrial({ auroc: 0.6 });
    bench.startWorker({ objects: refusing(bench.objects, { 'v1/result/': 1, 'v1/attempt/': 1 }) });

    const event = await bench.nextEvent('result', trial);

    expect(event.attempt).toBe(2);
  });

  test('that fails leaves its log and its curves', async () => {
    const trial = await bench.addTrial({ epochs: 5, failure: 'throw', failEpoch: 4 });
    bench.startWorker();

    await bench.nextEvent('attempt', trial);
    const prefix = `v1/trial-artifact/toy-00000000/${trial}/a1/`;
    const curves = await bench.objects.get(`${prefix}curves.json`);
    const log = await bench.objects.get(`${prefix}log.ndjson`);

    expect(JSON.parse(Buffer.from(curves?.content ?? []).toString())).toMatchObject({ version: 1, epochs: [1, 2, 3] });
    expect(Buffer.from(log?.content ?? []).toString()).toContain('Attempt 1 failed (user)');
  });
});

describe('an order', () => {
  test.each(['cancelled', 'paused'] as const)(
    'to stop (%s) ends the trial with a checkpoint and a release',
    async (reason) => {
      const trial = await bench.addTrial(LONG);
      const { id } = bench.startWorker({ checkpointSeconds: 3600 });
      await bench.untilEpoch(trial, 2);

      const order = {
        version: 1,
        order: 'stop-trial',
        sweep: 'toy-00000000',
        trial,
        attempt: 1,
        reason,
        checkpoint: true,
      };
      await bench.messaging.control.publish(`order.${id}`, order);
      const event = await bench.nextEvent('release', trial);
      await bench.untilLease(trial, ({ released }) => released === true);
      await bench.untilQueueEmpty();

      expect(event).toMatchObject({ reason, attempt: 1 });
      expect((await bench.objectKeys()).some((key) => key.endsWith('MANIFEST.json'))).toBe(true);
      expect(await bench.result(trial)).toBeNull();
    },
  );

  test('about another attempt changes nothing', async () => {
    const trial = await bench.addTrial({ epochs: 10, epochMs: 20 });
    const { id } = bench.startWorker();
    await bench.untilEpoch(trial, 1);

    const order = { version: 1, order: 'stop-trial', sweep: 'toy-00000000', trial, attempt: 2, reason: 'cancelled' };
    await bench.messaging.control.publish(`order.${id}`, { ...order, checkpoint: true });

    expect(await bench.nextEvent('result', trial)).toMatchObject({ attempt: 1 });
  });

  test('is carried out by force when the training does not listen', async () => {
    const trial = await bench.addTrial({ epochMs: 300, failure: 'hang' });
    const { id } = bench.startWorker({ stopGraceMs: 200 });
    await bench.untilLogged(trial, 'hang');

    const order = { version: 1, order: 'stop-trial', sweep: 'toy-00000000', trial, attempt: 1, reason: 'cancelled' };
    await bench.messaging.control.publish(`order.${id}`, { ...order, checkpoint: true });

    expect(await bench.nextEvent('release', trial)).toMatchObject({ reason: 'cancelled' });
  });
});

describe('a drain', () => {
  test('checkpoints, releases and gives the message back; another worker goes on at once', async () => {
    const trial = await bench.addTrial({ epochs: 30, epochMs: 20 });
    const first = bench.startWorker({ checkpointSeconds: 3600 });
    await bench.untilEpoch(trial, 3);

    first.worker.drain();
    const code = await first.ended;
    const event = await bench.nextEvent('release', trial);
    bench.startWorker();
    await bench.nextEvent('result', trial);

    expect(code).toBe(0);
    expect(event).toMatchObject({ reason: 'drained' });
    expect(await bench.result(trial)).toMatchObject({ attempt: 2, steps: 2 });
  });

  test('of an idle worker ends it with exit code 0 and no process left', async () => {
    const { worker, ended } = bench.startWorker({ idleMs: 50 });

    expect(await ended).toBe(0);
    expect(worker.trainerPids()).toEqual([]);
  });
});

/** A store that denies puts below the given prefixes, each so many times. */
function refusing(store: ObjectStore, times: Readonly<Record<string, number>>): ObjectStore {
  const left = new Map(Object.entries(times));
  return new Proxy(store, {
    get(target, name, receiver) {
      if (name !== 'put') {
        const member = Reflect.get(target, name, receiver);
        return typeof member === 'function' ? member.bind(target) : member;
      }
      return async (...args: Parameters<ObjectStore['put']>) => {
        const [prefix, count] = [...left].find(([one, rest]) => args[0].startsWith(one) && rest > 0) ?? [];
        if (prefix === undefined || count === undefined) return await target.put(...args);
        left.set(prefix, count - 1);
        throw new AdctlError(`access denied: ${args[0]}`, { code: 'storage_denied', kind: 'permanent' });
      };
    },
  });
}
