import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventLog, StoredEvent } from '../event-log.js';
import { all, type Deployment, type MessagingHarness, take } from './harness.js';

const data = (events: readonly StoredEvent[]) => events.map((event) => event.data);

/** The promises of `EventLog`, to be kept by every implementation. */
export function describeEventLog(harness: MessagingHarness): void {
  describe(`event log: ${harness.name}`, () => {
    let deployment: Deployment;
    let events: EventLog;
    beforeEach(async () => {
      deployment = await harness.create();
      events = deployment.messaging.events;
    });
    afterEach(() => deployment.close());

    it('reads back what was appended, in order and with rising sequences', async () => {
      const first = await events.append('result.s1.t1', { auroc: 0.5, nested: [null, 'x'] });
      const second = await events.append('result.s1.t2', 7);

      expect(await all(events.read('result.>'))).toEqual([
        { sequence: first.sequence, subject: 'result.s1.t1', data: { auroc: 0.5, nested: [null, 'x'] } },
        { sequence: second.sequence, subject: 'result.s1.t2', data: 7 },
      ]);
      expect(second.sequence).toBeGreaterThan(first.sequence);
      expect([first.duplicate, second.duplicate]).toEqual([false, false]);
    });

    it('reads nothing from an empty log', async () => {
      expect(await all(events.read('result.>'))).toEqual([]);
    });

    it('filters by tokens', async () => {
      for (const subject of [
        'result.s1.t1',
        'result.s1.t2',
        'result.s2.t1',
        'attempt.s1.t1',
        'result.s1',
        'result.s11.t1',
      ]) {
        await events.append(subject, subject);
      }

      expect(data(await all(events.read('result.s1.t1')))).toEqual(['result.s1.t1']);
      expect(data(await all(events.read('result.s1.*')))).toEqual(['result.s1.t1', 'result.s1.t2']);
      expect(data(await all(events.read('result.*.t1')))).toEqual(['result.s1.t1', 'result.s2.t1', 'result.s11.t1']);
      expect(data(await all(events.read('result.s1.>')))).toEqual(['result.s1.t1', 'result.s1.t2']);
      expect(data(await all(events.read('*.s1.t1')))).toEqual(['result.s1.t1', 'attempt.s1.t1']);
      expect(data(await all(events.read('result.>')))).toHaveLength(5);
    });

    it('reads from a sequence on, and no more than asked for', async () => {
      const sequences = [];
      for (let index = 0; index < 6; index += 1) sequences.push((await events.append('metric.s1.t1', index)).sequence);

      expect(data(await all(events.read('metric.s1.t1', { from: sequences[2] ?? 0 })))).toEqual([2, 3, 4, 5]);
      expect(data(await all(events.read('metric.>', { from: sequences[2] ?? 0, limit: 2 })))).toEqual([2, 3]);
      expect(data(await all(events.read('metric.>', { limit: 0 })))).toEqual([]);
      expect(data(await all(events.read('metric.>', { from: (sequences[5] ?? 0) + 1 })))).toEqual([]);
    });

    it('appends many at once, in order', async () => {
      const batch = Array.from({ length: 3000 }, (_, index) => ({ subject: `metric.s1.t${index % 3}`, data: index }));
      await events.appendAll(batch);
      await events.appendAll([]);

      expect(data(await all(events.read('metric.>')))).toEqual(batch.map((event) => event.data));
      expect(data(await all(events.read('metric.s1.t1')))).toHaveLength(1000);
    });

    it('appends a subject once when asked to, and tells the first sequence to whoever comes later', async () => {
      const first = await events.append('result.s1.t1.0.1', 'first', { once: true });
      const second = await events.append('result.s1.t1.0.1', 'second', { once: true });

      expect(second).toEqual({ sequence: first.sequence, duplicate: true });
      expect(data(await all(events.read('result.>')))).toEqual(['first']);
    });

    it('lets one of 20 racing once-appends in', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, racer) => events.append('result.s1.t1.0.1', racer, { once: true })),
      );

      expect(outcomes.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
      expect(new Set(outcomes.map(({ sequence }) => sequence)).size).toBe(1);
      expect(await all(events.read('result.>'))).toHaveLength(1);
    });

    it('follows: the past, then what comes, until it is stopped', async () => {
      const stop = new AbortController();
      await events.append('result.s1.t1', 1);
      const seen: unknown[] = [];
      const following = (async () => {
        for await (const event of events.follow('result.>', { signal: stop.signal })) {
          seen.push(event.data);
          if (seen.length === 1) await deployment.other.events.append('result.s1.t2', 2);
          if (seen.length === 2)
            await events.appendAll([
              { subject: 'attempt.x', data: 0 },
              { subject: 'result.s1.t3', data: 3 },
            ]);
          if (seen.length === 3) stop.abort();
        }
      })();

      await following;
      expect(seen).toEqual([1, 2, 3]);
    });

    it('follows without gaps or repeats while others append', async () => {
      const stop = new AbortController();
      const writing = Promise.all(
        [events, deployment.other.events].map(async (log, writer) => {
          for (let index = 0; index < 100; index += 1) await log.append(`metric.w${writer}`, index);
        }),
      );
      const seen = await take(events.follow('metric.>', { signal: stop.signal }), 200);
      stop.abort();
      await writing;

      for (const writer of [0, 1]) {
        const own = seen.filter((event) => event.subject === `metric.w${writer}`);
        expect(data(own)).toEqual(Array.from({ length: 100 }, (_, index) => index));
      }
      expect(new Set(seen.map((event) => event.sequence)).size).toBe(200);
    });

    it('ends a waiting follow when the signal is aborted', async () => {
      const stop = new AbortController();
      const following = all(events.follow('result.>', { signal: stop.signal }));
      await events.append('attempt.s1', 1);
      stop.abort();

      expect(await following).toEqual([]);
      expect(await all(events.follow('attempt.>', { signal: stop.signal }))).toEqual([]);
    });

    it('purges what matches and nothing else; sequences go on rising', async () => {
      await events.append('metric.s1.t1', 1);
      await events.append('metric.s1.t2', 2);
      const { sequence } = await events.append('metric.s2.t1', 3);
      await events.purge('metric.s1.>');
      await events.purge('metric.s2.t1');
      await events.purge('none.>');

      expect(await all(events.read('metric.>'))).toEqual([]);
      const next = await events.append('metric.s2.t1', 4, { once: true });
      expect(next.duplicate).toBe(false);
      expect(next.sequence).toBeGreaterThan(sequence);
    });

    it.each(['', 'a..b', 'a b', 'a.*', 'a.>', 'ä'])('refuses %j as a subject', async (subject) => {
      await expect(events.append(subject, 1)).rejects.toMatchObject({ code: 'bad_subject', kind: 'bug' });
      await expect(events.appendAll([{ subject, data: 1 }])).rejects.toMatchObject({ code: 'bad_subject' });
    });

    it.each(['', '>.a', 'a.b*', 'a..>'])('refuses %j as a filter', async (filter) => {
      await expect(all(events.read(filter))).rejects.toMatchObject({ code: 'bad_subject', kind: 'bug' });
    });

    it('refuses what is no JSON value', async () => {
      await expect(events.append('a', undefined)).rejects.toMatchObject({ code: 'bad_json_value', kind: 'bug' });
    });
  });
}
