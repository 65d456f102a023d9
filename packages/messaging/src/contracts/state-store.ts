import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STATE_BUCKETS, type StateBucket, type StateChange } from '../state-store.js';
import type { Deployment, MessagingHarness } from './harness.js';

/** Collects a watch in the background. */
function collect(watch: AsyncIterable<StateChange | 'ready'>) {
  const seen: (StateChange | 'ready')[] = [];
  const ready = Promise.withResolvers<void>();
  const ended = (async () => {
    for await (const change of watch) {
      seen.push(change);
      if (change === 'ready') ready.resolve();
    }
    ready.resolve();
  })();
  return { seen, ready: ready.promise, ended };
}

/** The promises of `StateStore`, to be kept by every implementation. */
export function describeStateStore(harness: MessagingHarness): void {
  describe(`state store: ${harness.name}`, () => {
    let deployment: Deployment;
    let bucket: StateBucket;
    beforeEach(async () => {
      deployment = await harness.create();
      bucket = deployment.messaging.state.bucket('trial');
    });
    afterEach(() => deployment.close());

    describe('writes', () => {
      it('gives back what was written, with its revision', async () => {
        const revision = await bucket.put('s1.t1', { state: 'queued', list: [1, null] });

        expect(await bucket.get('s1.t1')).toEqual({
          key: 's1.t1',
          value: { state: 'queued', list: [1, null] },
          revision,
        });
        expect(await bucket.get('s1.t2')).toBeNull();
      });

      it('creates only what is absent or deleted', async () => {
        const first = await bucket.create('s1.t1', 1);
        expect(first).toEqual(expect.any(Number));
        expect(await bucket.create('s1.t1', 2)).toBeNull();
        expect((await bucket.get('s1.t1'))?.value).toBe(1);
        await bucket.delete('s1.t1');
        expect(await bucket.create('s1.t1', 3)).toBeGreaterThan(first ?? 0);
      });

      it('updates only from the current revision', async () => {
        const first = await bucket.put('k', 1);
        const second = await bucket.update('k', 2, first);

        expect(second).toBeGreaterThan(first);
        expect(await bucket.update('k', 3, first)).toBeNull();
        expect(await bucket.get('k')).toEqual({ key: 'k', value: 2, revision: second });
        expect(await bucket.update('absent', 1, first)).toBeNull();
      });

      it('refuses the update of a key that was deleted', async () => {
        const revision = await bucket.put('k', 1);
        await bucket.delete('k');

        expect(await bucket.update('k', 2, revision)).toBeNull();
        expect(await bucket.get('k')).toBeNull();
      });

      it('deletes, with a revision only the current one', async () => {
        const first = await bucket.put('k', 1);
        const second = await bucket.put('k', 2);

        expect(await bucket.delete('k', first)).toBe(false);
        expect(await bucket.delete('k', second)).toBe(true);
        expect(await bucket.delete('k')).toBe(false);
        expect(await bucket.get('k')).toBeNull();
        expect(await bucket.entries()).toEqual([]);
      });

      it('keeps buckets apart', async () => {
        await bucket.put('k', 'trial');
        await deployment.messaging.state.bucket('lease').put('k', 'lease');

        expect((await bucket.get('k'))?.value).toBe('trial');
        expect((await deployment.other.state.bucket('lease').get('k'))?.value).toBe('lease');
      });

      it.each(['', '.', 'a..b', 'a b', 'a.*', '>', 'ä', 'a/b'])('refuses %j as a key', async (key) => {
        await expect(bucket.put(key, 1)).rejects.toMatchObject({ code: 'bad_subject', kind: 'bug' });
        await expect(bucket.get(key)).rejects.toMatchObject({ code: 'bad_subject', kind: 'bug' });
      });

      it.each([null, undefined, () => 1])('refuses %s as a value', async (value) => {
        await expect(bucket.put('k', value)).rejects.toMatchObject({ code: 'bad_json_value', kind: 'bug' });
        expect(await bucket.get('k')).toBeNull();
      });
    });

    describe('races', () => {
      it('lets one of 20 racing creates win', async () => {
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, racer) =>
            (racer % 2 === 0 ? deployment.messaging : deployment.other).state.bucket('lease').create('s1.t1', racer),
          ),
        );

        const winners = outcomes.flatMap((revision, racer) => (revision === null ? [] : [racer]));
        expect(winners).toHaveLength(1);
        expect((await deployment.messaging.state.bucket('lease').get('s1.t1'))?.value).toBe(winners[0]);
      });

      it('lets one of 20 racing updates from one revision win', async () => {
        const revision = await bucket.put('k', 'start');
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, racer) => bucket.update('k', racer, revision)),
        );

        const winners = outcomes.flatMap((next, racer) => (next === null ? [] : [racer]));
        expect(winners).toHaveLength(1);
        expect((await bucket.get('k'))?.value).toBe(winners[0]);
      });

      it('loses no update of a counter raised by compare-and-set from two connections', async () => {
        await bucket.put('counter', 0);
        const raise = async (own: StateBucket) => {
          while (true) {
            const entry = await own.get('counter');
            if (entry === null) throw new Error('the counter is gone');
            if ((await own.update('counter', Number(entry.value) + 1, entry.revision)) !== null) return;
          }
        };
        const other = deployment.other.state.bucket('trial');

        await Promise.all(Array.from({ length: 20 }, (_, writer) => raise(writer % 2 === 0 ? bucket : other)));

        expect((await bucket.get('counter'))?.value).toBe(20);
      });
    });

    describe('purge', () => {
      it('removes what lies below a prefix, up to a revision, as if it had never been', async () => {
        const before = (await bucket.create('s1.t1', 1)) ?? 0;
        const deleted = (await bucket.create('s1.t2', 1)) ?? 0;
        await bucket.delete('s1.t2', deleted);
        for (const key of ['s1', 's10.t1', 's1-a.t1']) await bucket.put(key, 'near');
        const seen = await bucket.put('s1.t3', 1);
        const later = await bucket.put('s1.t4', 1);

        expect(await bucket.purge('s1', seen)).toBeGreaterThanOrEqual(2);

        const keys = async (prefix?: string) => (await bucket.entries(prefix)).map(({ key }) => key);
        expect(await keys()).toEqual(['s1', 's1-a.t1', 's1.t4', 's10.t1']);
        expect(await keys('s1')).toEqual(['s1', 's1.t4']);
        expect(await bucket.update('s1.t1', 2, before)).toBeNull();
        const again = await bucket.create('s1.t1', 2);
        expect(again).toBeGreaterThan(later);
        expect(await bucket.purge('s2', later)).toBe(0);
      });

      it('is not heard by those who watch', async () => {
        const stop = new AbortController();
        const revision = await bucket.put('s1.t1', 1);
        const watch = collect(bucket.watch('', stop.signal));
        await watch.ready;
        await bucket.purge('s1', revision);
        await bucket.put('s1.t1', 2);
        await expect.poll(() => watch.seen.length).toBe(3);
        stop.abort();
        await watch.ended;

        expect(watch.seen).toMatchObject([{ key: 's1.t1', value: 1 }, 'ready', { key: 's1.t1', value: 2 }]);
      });
    });

    describe('entries', () => {
      it('lists by key, and a prefix ends at a token', async () => {
        for (const key of ['s1.t2', 's1.t1', 's10.t1', 's1', 's1-a.t1', 's2.t1']) await bucket.put(key, key);

        const keys = async (prefix?: string) => (await bucket.entries(prefix)).map(({ key }) => key);
        expect(await keys('s1')).toEqual(['s1', 's1.t1', 's1.t2']);
        expect(await keys('s1.t1')).toEqual(['s1.t1']);
        expect(await keys('s3')).toEqual([]);
        expect(await keys()).toEqual(['s1', 's1-a.t1', 's1.t1', 's1.t2', 's10.t1', 's2.t1']);
      });

      it('lists thousands', async () => {
        const keys = Array.from({ length: 3000 }, (_, index) => `s1.t${String(index).padStart(5, '0')}`);
        await Promise.all(keys.map((key) => bucket.put(key, { key })));

        const entries = await bucket.entries('s1');
        expect(entries.map(({ key }) => key)).toEqual(keys);
        expect(entries[17]?.value).toEqual({ key: keys[17] });
      });
    });

    describe('watch', () => {
      it('shows what is there, then that it is ready, then every change', async () => {
        const stop = new AbortController();
        await bucket.put('s1.t1', 1);
        await bucket.put('s2.t1', 'elsewhere');
        const watch = collect(bucket.watch('s1', stop.signal));
        await watch.ready;
        await deployment.other.state.bucket('trial').put('s1.t2', 2);
        await expect.poll(() => watch.seen.length).toBe(3);
        await bucket.put('s2.t1', 'elsewhere');
        const revision = await bucket.put('s1.t1', 3);
        await expect.poll(() => watch.seen.length).toBe(4);
        await bucket.delete('s1.t1');
        await expect.poll(() => watch.seen.length).toBe(5);
        stop.abort();
        await watch.ended;

        expect(watch.seen).toEqual([
          { key: 's1.t1', value: 1, revision: expect.any(Number) },
          'ready',
          { key: 's1.t2', value: 2, revision: expect.any(Number) },
          { key: 's1.t1', value: 3, revision },
          { key: 's1.t1', value: null, revision: expect.any(Number) },
        ]);
      });

      it('is ready at once when nothing is there', async () => {
        const stop = new AbortController();
        const watch = collect(bucket.watch('', stop.signal));
        await watch.ready;
        stop.abort();
        await watch.ended;

        expect(watch.seen).toEqual(['ready']);
      });

      it('has no gap between what was there and what changes, whenever it begins', async () => {
        const stop = new AbortController();
        const watches: ReturnType<typeof collect>[] = [];
        for (let index = 0; index < 200; index += 1) {
          if (index % 40 === 0) watches.push(collect(bucket.watch('s1', stop.signal)));
          const writes = [bucket.put(`s1.t${index % 50}`, index)];
          if (index % 7 === 0) writes.push(deployment.other.state.bucket('trial').put('s1.hot', index));
          await Promise.all(writes);
        }
        const expected = new Map((await bucket.entries('s1')).map(({ key, revision }) => [key, revision]));

        for (const { seen } of watches) {
          const changes = () => seen.filter((change) => change !== 'ready');
          await expect.poll(() => new Map(changes().map(({ key, revision }) => [key, revision]))).toEqual(expected);
          const afterReady = seen.slice(seen.indexOf('ready') + 1).filter((change) => change !== 'ready');
          const revisions = afterReady.map(({ revision }) => revision);
          expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
        }
        stop.abort();
        await Promise.all(watches.map(({ ended }) => ended));
      });

      it('ends when the reader stops', async () => {
        const stop = new AbortController();
        await bucket.put('k', 1);
        for await (const change of bucket.watch('', stop.signal)) {
          expect(change).toMatchObject({ key: 'k' });
          break;
        }
        await bucket.put('k', 2);
      });
    });

    describe('time to live', () => {
      const { ttlMs } = STATE_BUCKETS.leader;

      it('forgets an entry that was not written for that long', async () => {
        const leader = deployment.messaging.state.bucket('leader');
        const revision = await leader.create('controller', 'a');
        expect(await leader.create('controller', 'b')).toBeNull();
        await deployment.pass(ttlMs * 1.05);

        await expect.poll(() => leader.get('controller'), { timeout: 2_000 }).toBeNull();
        expect(await leader.entries()).toEqual([]);
        expect(await leader.update('controller', 'a', revision ?? 0)).toBeNull();
        expect(await leader.create('controller', 'b')).toBeGreaterThan(revision ?? 0);
      });

      it('keeps an entry that is renewed', async () => {
        const leader = deployment.messaging.state.bucket('leader');
        let revision = await leader.create('controller', 'a');
        for (let renewal = 0; renewal < 4; renewal += 1) {
          await deployment.pass(ttlMs / 2);
          revision = await leader.update('controller', 'a', revision ?? 0);
          expect(revision).not.toBeNull();
        }

        expect((await leader.get('controller'))?.value).toBe('a');
      });

      it('keeps entries of other buckets', async () => {
        await bucket.put('s1.t1', 1);
        await deployment.pass(ttlMs * 2);

        expect((await bucket.get('s1.t1'))?.value).toBe(1);
      });
    });
  });
}
