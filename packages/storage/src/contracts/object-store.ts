import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectInfo, ObjectStore } from '../object-store.js';
import { describeMultipart } from './multipart.js';

/** What the suite needs to know of an implementation, and how to get a fresh, empty store of it. */
export interface ObjectStoreHarness {
  readonly name: string;
  create(): Promise<{ readonly store: ObjectStore; close(): Promise<void> }>;
  readonly capabilities: {
    /** Smallest size of a part that is not the last (S3: 5 MiB). */
    readonly leastPartBytes: number;
    /** Objects a listing fetches at a time; the suite lists a little more. */
    readonly pageSize: number;
    /** Whether `a` and `a/b` can both be objects. */
    readonly objectsBelowObjects: boolean;
  };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined) =>
  content === undefined ? undefined : new TextDecoder().decode(content);

async function keysOf(listing: AsyncIterable<ObjectInfo>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of listing) keys.push(key);
  return keys;
}

/** The promises of `ObjectStore`, to be kept by every implementation. */
export function describeObjectStore(harness: ObjectStoreHarness): void {
  describe(`object store: ${harness.name}`, () => {
    let store: ObjectStore;
    let close: () => Promise<void>;
    beforeEach(async () => {
      ({ store, close } = await harness.create());
    });
    afterEach(() => close());

    describe('put and get', () => {
      it('gives back what was put, with its size and etag', async () => {
        const outcome = await store.put('v1/spec/a.json', bytes('hello'), { contentType: 'text/plain' });

        const object = await store.get('v1/spec/a.json');
        expect(text(object?.content)).toBe('hello');
        expect(object?.info).toMatchObject({ key: 'v1/spec/a.json', bytes: 5 });
        expect(outcome).toEqual({ written: true, etag: object?.info.etag });
        expect(await store.head('v1/spec/a.json')).toEqual(object?.info);
        expect(Math.abs((object?.info.modifiedAt.getTime() ?? 0) - Date.now())).toBeLessThan(60 * 60_000);
      });

      it('keeps empty objects and every byte value', async () => {
        const all = Uint8Array.from({ length: 256 }, (_, value) => value);
        await store.put('empty', new Uint8Array());
        await store.put('all', all);

        expect((await store.get('empty'))?.content.byteLength).toBe(0);
        expect(new Uint8Array((await store.get('all'))?.content ?? [])).toEqual(all);
      });

      it('answers null for an absent key, and refuses to stream it', async () => {
        expect(await store.get('v1/none')).toBeNull();
        expect(await store.head('v1/none')).toBeNull();
        const reading = (async () => {
          for await (const chunk of store.read('v1/none')) expect(chunk).toBeUndefined();
        })();
        await expect(reading).rejects.toMatchObject({ code: 'object_missing', kind: 'permanent' });
      });

      it('replaces an object and changes its etag', async () => {
        const first = await store.put('k', bytes('one'));
        const second = await store.put('k', bytes('two'));

        expect(text((await store.get('k'))?.content)).toBe('two');
        expect(first).not.toEqual(second);
      });

      it('streams a large object whole and in order', async () => {
        const content = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 31) % 251);
        await store.put('large', content);

        const chunks: Uint8Array[] = [];
        for await (const chunk of store.read('large')) chunks.push(chunk);
        expect(Buffer.concat(chunks).equals(content)).toBe(true);
      });

      it('never shows a half-written object', async () => {
        const versions = [97, 98, 99].map((letter) => new Uint8Array(400_000).fill(letter));
        await store.put('busy', versions[0] as Uint8Array);

        const writing = Promise.all(versions.map((version) => store.put('busy', version)));
        for (let read = 0; read < 10; read += 1) {
          const content = (await store.get('busy'))?.content ?? new Uint8Array();
          expect(content.byteLength).toBe(400_000);
          expect(content.every((value) => value === content[0])).toBe(true);
        }
        await writing;
      });

      it('asks before it writes, and writes nothing where the answer is no', async () => {
        await store.put('there', bytes('x'));
        const no = new Error('not any more');
        let asked = 0;
        const beforeTry = () => {
          asked += 1;
          throw no;
        };
        const upload = await store.createMultipart('parts');
        await upload.putPart(1, bytes('x'));

        for (const condition of [{}, { ifAbsent: true }]) {
          await expect(store.put('k', bytes('x'), { ...condition, beforeTry })).rejects.toBe(no);
        }
        await expect(store.delete('there', { beforeTry })).rejects.toBe(no);
        await expect(store.createMultipart('more', { beforeTry })).rejects.toBe(no);
        await expect(upload.putPart(2, bytes('y'), { beforeTry })).rejects.toBe(no);
        await expect(upload.complete({ beforeTry })).rejects.toBe(no);

        expect(asked).toBe(6);
        expect(await keysOf(store.list(''))).toEqual(['there']);
        expect((await upload.parts()).map(({ part }) => part)).toEqual([1]);
        await upload.abort();
      });

      it('writes nothing when the signal was aborted before', async () => {
        const reason = new Error('stopped');
        const put = store.put('k', bytes('x'), { signal: AbortSignal.abort(reason) });

        await expect(put).rejects.toBeDefined();
        expect(await store.get('k')).toBeNull();
      });
    });

    describe('conditions', () => {
      it('writes if absent only once', async () => {
        expect(await store.put('once', bytes('first'), { ifAbsent: true })).toMatchObject({ written: true });
        expect(await store.put('once', bytes('second'), { ifAbsent: true })).toEqual({ written: false });
        expect(text((await store.get('once'))?.content)).toBe('first');
      });

      it('lets one of 20 racing put-if-absent win', async () => {
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, racer) => store.put('race/key', bytes(`racer ${racer}`), { ifAbsent: true })),
        );

        const winners = outcomes.flatMap((outcome, racer) => (outcome.written ? [racer] : []));
        expect(winners).toHaveLength(1);
        expect(text((await store.get('race/key'))?.content)).toBe(`racer ${winners[0]}`);
      });

      it('writes if the etag matches, and only then', async () => {
        const first = await store.put('head', bytes('1'));
        if (!first.written) throw new Error('an unconditional put was refused');
        const second = await store.put('head', bytes('2'), { ifMatch: first.etag });

        expect(second.written).toBe(true);
        expect(await store.put('head', bytes('3'), { ifMatch: first.etag })).toEqual({ written: false });
        expect(text((await store.get('head'))?.content)).toBe('2');
      });

      it('refuses put-if-match on a key that is absent or was deleted', async () => {
        const first = await store.put('gone', bytes('1'));
        if (!first.written) throw new Error('an unconditional put was refused');
        await store.delete('gone');

        expect(await store.put('gone', bytes('2'), { ifMatch: first.etag })).toEqual({ written: false });
        expect(await store.get('gone')).toBeNull();
      });

      it('loses no update of a counter that several writers raise by compare-and-set', async () => {
        await store.put('counter', bytes('0'));
        const raise = async () => {
          while (true) {
            const object = await store.get('counter');
            const next = bytes(String(Number(text(object?.content)) + 1));
            if ((await store.put('counter', next, { ifMatch: object?.info.etag ?? '' })).written) return;
          }
        };

        await Promise.all(Array.from({ length: 8 }, raise));

        expect(text((await store.get('counter'))?.content)).toBe('8');
      });
    });

    describe('delete', () => {
      it('removes the object and frees its key', async () => {
        await store.put('a/b', bytes('1'));
        await store.delete('a/b');

        expect(await store.get('a/b')).toBeNull();
        expect(await keysOf(store.list(''))).toEqual([]);
        expect(await store.put('a/b', bytes('2'), { ifAbsent: true })).toMatchObject({ written: true });
      });

      it('takes what is not there as deleted', async () => {
        await store.delete('a/none');
        await store.delete('none');
      });

      it('keeps the neighbours', async () => {
        await store.put('a/1', bytes('1'));
        await store.put('a/2', bytes('2'));
        await store.delete('a/1');

        expect(await keysOf(store.list('a/'))).toEqual(['a/2']);
      });
    });

    describe('list', () => {
      it('lists in byte order of the whole key, with the facts of each', async () => {
        const keys = ['a/b/c', 'a-b', 'a.b', 'a/b.json', 'a/b-c', 'aa', 'B', 'a=1', 'a/0', '_'];
        for (const key of keys) await store.put(key, bytes(key));

        const infos: ObjectInfo[] = [];
        for await (const info of store.list('')) infos.push(info);

        expect(infos.map(({ key }) => key)).toEqual([...keys].sort());
        for (const info of infos) expect(await store.head(info.key)).toEqual(info);
      });

      it('takes any beginning of a key as prefix', async () => {
        for (const key of ['v1/result/s/t1.json', 'v1/result/s/t12.json', 'v1/result/s2/t1.json', 'v1/spec/s.json']) {
          await store.put(key, bytes('x'));
        }

        expect(await keysOf(store.list('v1/result/s/t1'))).toEqual(['v1/result/s/t1.json', 'v1/result/s/t12.json']);
        expect(await keysOf(store.list('v1/result/s/'))).toEqual(['v1/result/s/t1.json', 'v1/result/s/t12.json']);
        expect(await keysOf(store.list('v1/result/s'))).toHaveLength(3);
        expect(await keysOf(store.list('v1/result/s/t1.json'))).toEqual(['v1/result/s/t1.json']);
        expect(await keysOf(store.list('v2/'))).toEqual([]);
      });

      it('goes on after a key, given or not', async () => {
        for (const key of ['a/1', 'a/2/x', 'a/3', 'b']) await store.put(key, bytes('x'));

        expect(await keysOf(store.list('', { after: 'a/2/x' }))).toEqual(['a/3', 'b']);
        expect(await keysOf(store.list('a/', { after: 'a/10' }))).toEqual(['a/2/x', 'a/3']);
        expect(await keysOf(store.list('', { after: 'b' }))).toEqual([]);
      });

      it('lists more than a page, and stops when the reader does', async () => {
        const keys = Array.from(
          { length: harness.capabilities.pageSize + 5 },
          (_, i) => `p/${String(i).padStart(6, '0')}`,
        );
        await Promise.all(keys.map((key) => store.put(key, bytes('x'))));

        expect(await keysOf(store.list('p/'))).toEqual(keys);
        for await (const { key } of store.list('p/')) {
          expect(key).toBe(keys[0]);
          break;
        }
      });
    });

    describe('keys', () => {
      const bad = [
        '',
        '/',
        'a/',
        '/a',
        'a//b',
        '.',
        '..',
        'a/../b',
        'a/./b',
        'a b',
        'ä',
        'a\\b',
        'a\0b',
        '~staging/x',
        'x'.repeat(1025),
      ];

      it.each(bad)('refuses %j everywhere before it reaches the store', async (key) => {
        const refusal = { code: 'bad_object_key', kind: 'bug' };
        await expect(store.put(key, bytes('x'))).rejects.toMatchObject(refusal);
        await expect(store.get(key)).rejects.toMatchObject(refusal);
        await expect(store.head(key)).rejects.toMatchObject(refusal);
        await expect(store.delete(key)).rejects.toMatchObject(refusal);
        await expect(store.createMultipart(key)).rejects.toMatchObject(refusal);
        await expect(keysOf(store.list(`${key}/../x`))).rejects.toMatchObject(refusal);
        expect(await keysOf(store.list(''))).toEqual([]);
      });

      it('takes names that begin with a dot', async () => {
        await store.put('.hidden/.x', bytes('x'));

        expect(await keysOf(store.list(''))).toEqual(['.hidden/.x']);
      });

      it.runIf(harness.capabilities.objectsBelowObjects)('keeps objects below objects', async () => {
        await store.put('a', bytes('1'));
        await store.put('a/b', bytes('2'));

        expect(await keysOf(store.list(''))).toEqual(['a', 'a/b']);
      });

      it.skipIf(harness.capabilities.objectsBelowObjects)('refuses objects below objects', async () => {
        await store.put('a', bytes('1'));
        await store.put('b/c', bytes('1'));

        await expect(store.put('a/b', bytes('2'))).rejects.toMatchObject({ code: 'object_key_conflict' });
        await expect(store.put('b', bytes('2'))).rejects.toMatchObject({ code: 'object_key_conflict' });
        await expect(store.put('b', bytes('2'), { ifAbsent: true })).rejects.toMatchObject({
          code: 'object_key_conflict',
        });
      });
    });

    describeMultipart(() => store, harness.capabilities.leastPartBytes);
  });
}
