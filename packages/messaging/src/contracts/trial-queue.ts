import { SweepId, type TrialAssignment, TrialId } from '@adctl/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery, Priority, QueueEntry, TrialQueue } from '../trial-queue.js';
import type { Deployment, MessagingHarness } from './harness.js';

const assignment = (trial: string, sweep = 'sweep-1'): TrialAssignment => ({
  version: 1,
  sweep: SweepId.parse(sweep),
  trial: TrialId.parse(trial),
  generation: 0,
  specKey: `v1/trial/${sweep}/${trial}.json`,
});

/** A message for a trial; the message id is new unless given. */
let published = 0;
const entry = (trial: string, more: Partial<QueueEntry> & { sweep?: string } = {}): QueueEntry => {
  const { sweep, ...rest } = more;
  published += 1;
  return {
    class: 'cpu',
    priority: 'normal',
    messageId: `m-${published}`,
    assignment: assignment(trial, sweep),
    ...rest,
  };
};

/** The promises of `TrialQueue`, to be kept by every implementation. */
export function describeTrialQueue(harness: MessagingHarness): void {
  const { ackWaitMs, duplicateWindowMs, shortWaitMs } = harness.times;
  const longWaitMs = Math.max(ackWaitMs * 20, shortWaitMs);

  describe(`trial queue: ${harness.name}`, () => {
    let deployment: Deployment;
    let queue: TrialQueue;
    beforeEach(async () => {
      deployment = await harness.create();
      queue = deployment.messaging.queue;
    });
    afterEach(() => deployment.close());

    /** The next message, which is there or about to be. */
    const take = async (name = 'cpu'): Promise<Delivery> => {
      const delivery = await queue.next({ class: name, waitMs: longWaitMs });
      if (delivery === null) throw new Error('no message came');
      return delivery;
    };
    /** What is left to hand out right now. */
    const nothing = async (name = 'cpu') => {
      const waiting = queue.next({ class: name, waitMs: shortWaitMs });
      await deployment.pass(shortWaitMs);
      expect(await waiting).toBeNull();
    };

    describe('handing out', () => {
      it('hands a message out once, with its assignment', async () => {
        const { sequence, duplicate } = await queue.publish(entry('t1'));

        expect(duplicate).toBe(false);
        expect(await take()).toMatchObject({ sequence, deliveries: 1, assignment: assignment('t1') });
        await nothing();
      });

      it('hands out in the order of publishing', async () => {
        for (const trial of ['t1', 't2', 't3']) await queue.publish(entry(trial));

        for (const trial of ['t1', 't2', 't3']) expect((await take()).assignment.trial).toBe(trial);
      });

      it('serves higher priorities first', async () => {
        const order: Priority[] = ['low', 'normal', 'high', 'low', 'high'];
        for (const [index, priority] of order.entries()) await queue.publish(entry(`t${index}`, { priority }));

        const trials = [];
        for (let taken = 0; taken < order.length; taken += 1) trials.push((await take()).assignment.trial);
        expect(trials).toEqual(['t2', 't4', 't1', 't0', 't3']);
      });

      it('keeps classes apart', async () => {
        await queue.publish(entry('t1', { class: 'gpu24' }));

        await nothing('cpu');
        expect((await take('gpu24')).assignment.trial).toBe('t1');
      });

      it('wakes a consumer that waits', async () => {
        const waiting = queue.next({ class: 'cpu', waitMs: longWaitMs });
        await queue.contents();
        await queue.publish(entry('t1'));

        expect((await waiting)?.assignment.trial).toBe('t1');
      });

      it('gives each of many waiting consumers its own message', async () => {
        const waiting = Array.from({ length: 20 }, () => queue.next({ class: 'cpu', waitMs: longWaitMs }));
        await Promise.all(Array.from({ length: 20 }, (_, index) => queue.publish(entry(`t${index}`))));

        const trials = (await Promise.all(waiting)).map((delivery) => delivery?.assignment.trial);
        expect(new Set(trials).size).toBe(20);
      });

      it('answers null when the wait is over', async () => {
        await nothing();
      });

      it('answers null when the wait is aborted, and the message goes to the next who asks', async () => {
        const stop = new AbortController();
        const waiting = queue.next({ class: 'cpu', waitMs: longWaitMs, signal: stop.signal });
        await queue.contents();
        stop.abort();

        expect(await waiting).toBeNull();
        expect(await queue.next({ class: 'cpu', waitMs: longWaitMs, signal: stop.signal })).toBeNull();
        await queue.publish(entry('t1'));
        expect((await take()).deliveries).toBe(1);
      });

      it('loses no message to a consumer whose wait is aborted at the same moment', async () => {
        for (let round = 0; round < 10; round += 1) {
          const stop = new AbortController();
          const waiting = queue.next({ class: 'cpu', waitMs: longWaitMs, signal: stop.signal });
          const publishing = queue.publish(entry(`t${round}`));
          stop.abort();
          await publishing;
          const delivery = (await waiting) ?? (await take());
          expect(delivery.assignment.trial).toBe(`t${round}`);
          await delivery.ack();
        }
      });
    });

    describe('ack, nak, working', () => {
      it('forgets a message that was acked', async () => {
        await queue.publish(entry('t1'));
        await (await take()).ack();

        expect(await queue.contents()).toEqual([]);
        await deployment.pass(ackWaitMs * 2);
        await nothing();
      });

      it('takes a second ack, and everything after the first, as done', async () => {
        await queue.publish(entry('t1'));
        const delivery = await take();
        await delivery.ack();

        await delivery.ack();
        await delivery.working();
        await delivery.nak();
        await nothing();
      });

      it('hands out again what was not acked within the ack wait', async () => {
        const { sequence } = await queue.publish(entry('t1'));
        await take();
        const waiting = queue.next({ class: 'cpu', waitMs: longWaitMs });
        await deployment.pass(ackWaitMs);

        expect(await waiting).toMatchObject({ sequence, deliveries: 2 });
      });

      it('hands out what ran out of its ack wait before what is newer', async () => {
        await queue.publish(entry('t1'));
        await take();
        await queue.publish(entry('t2'));
        await deployment.pass(ackWaitMs * 1.1);

        // A consumer that asks learns of the older message, though a server may need a moment to notice.
        const trials = [(await take()).assignment.trial, (await take()).assignment.trial];
        expect(trials.toSorted()).toEqual(['t1', 't2']);
      });

      it('has no limit of deliveries', async () => {
        await queue.publish(entry('t1'));
        for (let deliveries = 1; deliveries <= 5; deliveries += 1) {
          const waiting = queue.next({ class: 'cpu', waitMs: longWaitMs });
          if (deliveries > 1) await deployment.pass(ackWaitMs);
          expect((await waiting)?.deliveries).toBe(deliveries);
        }
      });

      it('does not hand out again while the holder says that it works', async () => {
        await queue.publish(entry('t1'));
        const delivery = await take();
        for (let renewal = 0; renewal < 8; renewal += 1) {
          await deployment.pass(ackWaitMs / 2);
          await delivery.working();
        }

        await nothing();
        await delivery.ack();
        expect(await queue.contents()).toEqual([]);
      });

      it('accepts the late ack of the first holder while the second works, and the second ack too', async () => {
        await queue.publish(entry('t1'));
        const first = await take();
        const waiting = queue.next({ class: 'cpu', waitMs: longWaitMs });
        await deployment.pass(ackWaitMs);
        const second = await waiting;
        await first.ack();

        expect(await queue.contents()).toEqual([]);
        await second?.ack();
        await nothing();
      });

      it('hands a message back at once after nak', async () => {
        const { sequence } = await queue.publish(entry('t1'));
        await (await take()).nak();

        expect(await take()).toMatchObject({ sequence, deliveries: 2 });
      });

      it('hands a message back after the delay of its nak', async () => {
        await queue.publish(entry('t1'));
        await (await take()).nak(ackWaitMs * 3);

        const waiting = queue.next({ class: 'cpu', waitMs: longWaitMs });
        let back = false;
        void waiting.then(() => {
          back = true;
        });
        await deployment.pass(ackWaitMs * 2);
        expect(back).toBe(false);
        await deployment.pass(ackWaitMs);
        expect((await waiting)?.deliveries).toBe(2);
      });
    });

    describe('duplicates', () => {
      it('takes two publishes with one id as one message', async () => {
        const first = await queue.publish(entry('t1', { messageId: 'same' }));
        const second = await queue.publish(entry('t2', { messageId: 'same' }));

        expect(second).toEqual({ sequence: first.sequence, duplicate: true });
        expect(await queue.contents()).toHaveLength(1);
      });

      it('remembers the id after the message is gone, until the window has passed', async () => {
        const first = await queue.publish(entry('t1', { messageId: 'same' }));
        await (await take()).ack();

        expect(await queue.publish(entry('t1', { messageId: 'same' }))).toEqual({ ...first, duplicate: true });
        await nothing();
        await deployment.pass(duplicateWindowMs * 1.5);
        expect((await queue.publish(entry('t1', { messageId: 'same' }))).duplicate).toBe(false);
        expect((await take()).assignment.trial).toBe('t1');
      });

      it('holds at most one message a class, priority, sweep and trial', async () => {
        const first = await queue.publish(entry('t1'));

        expect(await queue.publish(entry('t1'))).toEqual({ sequence: first.sequence, duplicate: true });
        expect((await queue.publish(entry('t1', { sweep: 'sweep-2' }))).duplicate).toBe(false);
        expect((await queue.publish(entry('t1', { priority: 'high' }))).duplicate).toBe(false);
        expect((await queue.publish(entry('t1', { class: 'gpu24' }))).duplicate).toBe(false);
        expect(await queue.contents()).toHaveLength(4);
      });

      it('refuses the trial also while its message is in flight, and takes it after the ack', async () => {
        await queue.publish(entry('t1'));
        const delivery = await take();

        expect((await queue.publish(entry('t1'))).duplicate).toBe(true);
        await delivery.ack();
        expect((await queue.publish(entry('t1'))).duplicate).toBe(false);
      });

      it('lets one of 20 racing publishes of a trial in', async () => {
        const outcomes = await Promise.all(Array.from({ length: 20 }, () => queue.publish(entry('t1'))));

        expect(outcomes.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
        expect(new Set(outcomes.map(({ sequence }) => sequence)).size).toBe(1);
      });
    });

    describe('remove and contents', () => {
      it('takes a waiting message out', async () => {
        const { sequence } = await queue.publish(entry('t1'));
        await queue.publish(entry('t2'));

        expect(await queue.remove(sequence)).toBe(true);
        expect(await queue.remove(sequence)).toBe(false);
        expect((await take()).assignment.trial).toBe('t2');
        await nothing();
      });

      it('takes a message in flight out; its holder can no longer bring it back', async () => {
        const { sequence } = await queue.publish(entry('t1'));
        const delivery = await take();

        expect(await queue.remove(sequence)).toBe(true);
        await delivery.nak();
        await deployment.pass(ackWaitMs * 2);
        await nothing();
      });

      it('leaves other sweeps deliverable when all messages of one are removed', async () => {
        for (let index = 0; index < 5; index += 1) {
          await queue.publish(entry(`t${index}`, { sweep: 'sweep-1' }));
          await queue.publish(entry(`t${index}`, { sweep: 'sweep-2' }));
        }
        await take();
        for (const stored of await queue.contents()) {
          if (stored.sweep === 'sweep-1') await queue.remove(stored.sequence);
        }

        for (let index = 0; index < 5; index += 1) {
          expect((await take()).assignment).toMatchObject({ sweep: 'sweep-2', trial: `t${index}` });
        }
      });

      it('tells what is in the window, oldest first', async () => {
        const first = entry('t1', { priority: 'low' });
        const second = entry('t2', { class: 'gpu24' });
        const third = entry('t3', { priority: 'high' });
        const sequences = [];
        for (const message of [first, second, third]) sequences.push((await queue.publish(message)).sequence);
        await take(); // the third: it is of high priority

        expect(await queue.contents()).toMatchObject([
          { ...first, sequence: sequences[0] },
          { ...second, sequence: sequences[1] },
          { ...third, sequence: sequences[2] },
        ]);
        expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
      });

      it.runIf(harness.capabilities.contentsKnowDelivery)(
        'tells what was handed out and what is in flight',
        async () => {
          await queue.publish(entry('t1'));
          expect(await queue.contents()).toMatchObject([{ deliveries: 0, inFlight: false }]);
          const delivery = await take();
          expect(await queue.contents()).toMatchObject([{ deliveries: 1, inFlight: true }]);
          await delivery.nak(ackWaitMs);
          expect(await queue.contents()).toMatchObject([{ deliveries: 1, inFlight: false }]);
          await deployment.pass(ackWaitMs);
          await take();
          await deployment.pass(ackWaitMs);
          expect(await queue.contents()).toMatchObject([{ deliveries: 2, inFlight: false }]);
        },
      );

      it('never uses a sequence twice', async () => {
        const { sequence } = await queue.publish(entry('t1'));
        await queue.remove(sequence);

        expect((await queue.publish(entry('t1'))).sequence).toBeGreaterThan(sequence);
      });
    });

    it('hands every message out exactly once among consumers on two connections', async () => {
      const total = 60;
      const taken: string[] = [];
      const consume = async (from: TrialQueue) => {
        for (let delivery = await from.next({ class: 'cpu', waitMs: shortWaitMs }); delivery !== null; ) {
          taken.push(delivery.assignment.trial);
          await delivery.ack();
          if (taken.length >= total) return;
          delivery = await from.next({ class: 'cpu', waitMs: 0 });
        }
      };
      await Promise.all(Array.from({ length: total }, (_, index) => queue.publish(entry(`t${index}`))));

      await Promise.all([queue, queue, deployment.other.queue, deployment.other.queue].map(consume));

      expect(taken).toHaveLength(total);
      expect(new Set(taken).size).toBe(total);
    });

    it.runIf(harness.capabilities.strictPriorityWhileWaiting)('serves those who wait by priority as well', async () => {
      const first = queue.next({ class: 'cpu', waitMs: longWaitMs });
      const second = queue.next({ class: 'cpu', waitMs: longWaitMs });
      await queue.contents();
      await Promise.all([
        queue.publish(entry('t1', { priority: 'low' })),
        queue.publish(entry('t2', { priority: 'high' })),
      ]);

      expect((await first)?.assignment.trial).toBe('t2');
      expect((await second)?.assignment.trial).toBe('t1');
    });
  });
}
