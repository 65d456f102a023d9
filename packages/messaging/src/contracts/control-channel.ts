import { AdctlError, userError } from '@adctl/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControlChannel } from '../control-channel.js';
import type { Deployment, MessagingHarness } from './harness.js';

/** The promises of `ControlChannel`, to be kept by every implementation. */
export function describeControlChannel(harness: MessagingHarness): void {
  describe(`control channel: ${harness.name}`, () => {
    let deployment: Deployment;
    let asking: ControlChannel;
    let serving: ControlChannel;
    beforeEach(async () => {
      deployment = await harness.create();
      asking = deployment.messaging.control;
      serving = deployment.other.control;
    });
    afterEach(() => deployment.close());

    describe('requests', () => {
      it('brings the payload to the handler and its answer back', async () => {
        await serving.serve('sweeps.submit', async (payload, caller) => ({ payload, caller }));

        const answer = await asking.request('sweeps.submit', { name: 'ocgan', list: [1, null] });
        expect(answer).toEqual({ payload: { name: 'ocgan', list: [1, null] }, caller: expect.stringMatching(/./) });
      });

      it('carries no payload and no answer as null', async () => {
        await serving.serve('ping', async (payload) => {
          expect(payload).toBeNull();
        });

        expect(await asking.request('ping', undefined)).toBeNull();
      });

      it('brings back an answer larger than one message', async () => {
        const rows = Array.from({ length: 30_000 }, (_, index) => ({
          index,
          words: 'größer als eine Nachricht ✓ \u{1f9ea}',
        }));
        await serving.serve('trials.list', async () => rows);

        expect(await asking.request('trials.list', {})).toEqual(rows);
      });

      it('answers requests that overlap, each its own', async () => {
        const gates = new Map<unknown, () => void>();
        await serving.serve('echo', (payload) => new Promise((resolve) => gates.set(payload, () => resolve(payload))));
        const answers = [1, 2, 3].map((value) => asking.request('echo', value));
        await expect.poll(() => gates.size).toBe(3);
        for (const value of [3, 1, 2]) gates.get(value)?.();

        expect(await Promise.all(answers)).toEqual([1, 2, 3]);
      });

      it('rebuilds the error of the handler: code, kind, hint, details and cause', async () => {
        await serving.serve('sweeps.submit', async () => {
          throw userError('unknown_method', 'there is no method ocgam', {
            hint: 'Did you mean ocgan?',
            details: { line: 3 },
            cause: new Error('deep down'),
          });
        });

        const failure = await asking.request('sweeps.submit', {}).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(AdctlError);
        expect(failure).toMatchObject({
          code: 'unknown_method',
          kind: 'user',
          message: 'there is no method ocgam',
          hint: 'Did you mean ocgan?',
          details: { line: 3 },
          cause: { message: 'deep down' },
        });
      });

      it('reports what a handler did not mean to throw as a bug', async () => {
        await serving.serve('broken', async () => {
          throw new TypeError('x is not a function');
        });

        await expect(asking.request('broken', {})).rejects.toMatchObject({
          code: 'unexpected',
          kind: 'bug',
          message: 'x is not a function',
        });
      });

      it('says that the controller is unreachable when nobody serves the verb, before and after', async () => {
        const unreachable = { code: 'controller_unreachable', kind: 'transient' };
        await expect(asking.request('sweeps.submit', {})).rejects.toMatchObject(unreachable);
        const stop = await serving.serve('sweeps.submit', async () => 1);
        expect(await asking.request('sweeps.submit', {})).toBe(1);
        await stop();
        await expect(asking.request('sweeps.submit', {})).rejects.toMatchObject(unreachable);
      });

      it('gives up when the time passes', async () => {
        const reached = Promise.withResolvers<void>();
        await serving.serve('slow', () => {
          reached.resolve();
          return new Promise(() => undefined);
        });
        const answer = asking.request('slow', {}, { timeoutMs: harness.times.shortWaitMs });
        const refused = expect(answer).rejects.toMatchObject({ code: 'controller_unreachable', kind: 'transient' });
        await reached.promise;
        await deployment.pass(harness.times.shortWaitMs);

        await refused;
      });

      it('gives up with the reason of the signal', async () => {
        const reason = new Error('the user pressed Ctrl-C');
        const stop = new AbortController();
        const reached = Promise.withResolvers<void>();
        await serving.serve('slow', () => {
          reached.resolve();
          return new Promise(() => undefined);
        });
        const refused = expect(asking.request('slow', {}, { signal: stop.signal })).rejects.toBe(reason);
        await reached.promise;
        stop.abort(reason);

        await refused;
      });
    });

    describe('fan-out', () => {
      it('brings a message to everybody who listens then, and to nobody else', async () => {
        const heard: string[] = [];
        const note = (who: string) => (topic: string, payload: unknown) => heard.push(`${who} ${topic} ${payload}`);
        await asking.publish('heartbeat.w1', 'early');
        await asking.subscribe('heartbeat.*', note('a'));
        await serving.subscribe('heartbeat.>', note('b'));
        await serving.subscribe('order.>', note('c'));
        await asking.publish('heartbeat.w1', 'late');

        await expect.poll(() => heard.toSorted()).toEqual(['a heartbeat.w1 late', 'b heartbeat.w1 late']);
      });

      it('keeps the order of one publisher', async () => {
        const heard: unknown[] = [];
        await serving.subscribe('log.>', (_topic, payload) => heard.push(payload));
        for (let index = 0; index < 300; index += 1) await asking.publish('log.s1.t1', index);

        await expect.poll(() => heard).toEqual(Array.from({ length: 300 }, (_, index) => index));
      });

      it('is silent after unsubscribing', async () => {
        const heard: unknown[] = [];
        const still: unknown[] = [];
        const stop = await serving.subscribe('progress.>', (_topic, payload) => heard.push(payload));
        await serving.subscribe('progress.>', (_topic, payload) => still.push(payload));
        await asking.publish('progress.s1', 1);
        await expect.poll(() => heard).toEqual([1]);
        await stop();
        await asking.publish('progress.s1', 2);

        await expect.poll(() => still).toEqual([1, 2]);
        expect(heard).toEqual([1]);
      });

      it('tells whether anybody listens to a topic', async () => {
        const heard: unknown[] = [];
        expect(await asking.hasListeners('leader.a')).toBe(false);
        const stop = await serving.subscribe('leader.*', (topic, payload) => heard.push([topic, payload]));
        expect(await asking.hasListeners('leader.a')).toBe(true);
        expect(await asking.hasListeners('leader.a.b')).toBe(false);
        await expect.poll(() => heard).toEqual([['leader.a', null]]);
        await stop();
        expect(await asking.hasListeners('leader.a')).toBe(false);
      });

      it.each(['', 'a..b', 'a b', 'a.*'])('refuses %j as a topic', async (topic) => {
        await expect(asking.publish(topic, 1)).rejects.toMatchObject({ code: 'bad_subject', kind: 'bug' });
        await expect(asking.hasListeners(topic)).rejects.toMatchObject({ code: 'bad_subject', kind: 'bug' });
      });
    });
  });
}
