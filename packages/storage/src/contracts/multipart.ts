import { describe, expect, it } from 'vitest';
import { putInParts, type UnfinishedUploads } from '../large-objects.js';
import type { ObjectStore } from '../object-store.js';
import { breakingOff } from './breaking-off.js';

/** The promises of uploads in parts; part of `describeObjectStore`. */
export function describeMultipart(storeOf: () => ObjectStore, leastPartBytes: number): void {
  const part = (letter: string) => Buffer.alloc(leastPartBytes, letter);
  const key = 'v1/ckpt/s/t/a1/s10/model.safetensors';

  describe('multipart', () => {
    it('joins the parts by number, whatever order they came in, and shows nothing before', async () => {
      const store = storeOf();
      const upload = await store.createMultipart(key, { contentType: 'application/octet-stream' });
      await upload.putPart(3, Buffer.from('the end'));
      await upload.putPart(1, part('a'));
      await upload.putPart(2, part('b'));

      expect(await store.head(key)).toBeNull();
      expect(await upload.parts()).toEqual([
        { part: 1, bytes: leastPartBytes },
        { part: 2, bytes: leastPartBytes },
        { part: 3, bytes: 7 },
      ]);
      expect(await upload.complete()).toMatchObject({ written: true });
      const whole = Buffer.concat([part('a'), part('b'), Buffer.from('the end')]);
      expect(whole.equals((await store.get(key))?.content ?? Buffer.alloc(0))).toBe(true);
    });

    it('lets a part be sent again', async () => {
      const store = storeOf();
      const upload = await store.createMultipart(key);
      await upload.putPart(1, Buffer.from('wrong'));
      await upload.putPart(1, Buffer.from('right'));
      await upload.complete();

      expect(Buffer.from((await store.get(key))?.content ?? []).toString()).toBe('right');
    });

    it('is taken up again by its id', async () => {
      const store = storeOf();
      const { uploadId, putPart } = await store.createMultipart(key).then((upload) => ({
        uploadId: upload.uploadId,
        putPart: upload.putPart.bind(upload),
      }));
      await putPart(1, part('a'));

      const resumed = await store.resumeMultipart(key, uploadId);
      expect(await resumed.parts()).toEqual([{ part: 1, bytes: leastPartBytes }]);
      await resumed.putPart(2, Buffer.from('b'));
      await resumed.complete();

      expect((await store.head(key))?.bytes).toBe(leastPartBytes + 1);
    });

    it('cannot be taken up when unknown, ended, or of another key', async () => {
      const store = storeOf();
      const missing = { code: 'upload_missing', kind: 'permanent' };
      const aborted = await store.createMultipart(key);
      await aborted.putPart(1, Buffer.from('x'));
      await aborted.abort();
      const completed = await store.createMultipart(key);
      await completed.putPart(1, Buffer.from('x'));
      await completed.complete();
      const other = await store.createMultipart('v1/other');

      await expect(store.resumeMultipart(key, '../../etc')).rejects.toMatchObject(missing);
      await expect(store.resumeMultipart(key, aborted.uploadId)).rejects.toMatchObject(missing);
      await expect(store.resumeMultipart(key, completed.uploadId)).rejects.toMatchObject(missing);
      await expect(store.resumeMultipart(key, other.uploadId)).rejects.toMatchObject(missing);
      await other.abort();
    });

    it('leaves nothing behind when aborted, and may be aborted twice', async () => {
      const store = storeOf();
      const upload = await store.createMultipart(key);
      await upload.putPart(1, Buffer.from('x'));
      await upload.abort();
      await upload.abort();

      expect(await store.head(key)).toBeNull();
      for await (const info of store.list('')) expect(info).toBeUndefined();
    });

    it('completes if absent only when the key is absent', async () => {
      const store = storeOf();
      await store.put(key, Buffer.from('first'));
      const upload = await store.createMultipart(key);
      await upload.putPart(1, Buffer.from('second'));

      expect(await upload.complete({ ifAbsent: true })).toEqual({ written: false });
      expect(Buffer.from((await store.get(key))?.content ?? []).toString()).toBe('first');
    });

    it('goes on with a large object where an earlier try broke off', async () => {
      const sent: number[] = [];
      const store = breakingOff(storeOf(), 2, sent);
      const content = Buffer.concat([part('a'), part('b'), Buffer.from('z')]);
      const unfinished: UnfinishedUploads = new Map();
      const options = { ifAbsent: true, partBytes: leastPartBytes, unfinished };

      await expect(putInParts(store, key, content, options)).rejects.toMatchObject({ kind: 'transient' });
      const outcome = await putInParts(store, key, content, options);

      expect(outcome).toMatchObject({ written: true });
      expect(sent).toEqual([1, 2, 3]);
      expect(unfinished.size).toBe(0);
      expect(content.equals((await store.get(key))?.content ?? Buffer.alloc(0))).toBe(true);
    });

    it('refuses to complete without parts', async () => {
      const upload = await storeOf().createMultipart(key);

      await expect(upload.complete()).rejects.toMatchObject({ code: 'upload_empty' });
      await upload.abort();
    });
  });
}
