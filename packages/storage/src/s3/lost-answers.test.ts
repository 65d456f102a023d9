import { describe, expect, it } from 'vitest';
import { useCredentials, withS3 } from './s3.fixtures.js';
import { type FakeS3, spoil } from './testing/index.js';

useCredentials();

const LOST = { kind: 'drop', moment: 'after' } as const;
const NEVER_DONE = { kind: 'drop', moment: 'before' } as const;
const bytes = (text: string) => Buffer.from(text);
const stored = (fake: FakeS3, key: string) => fake.state.buckets.get('objects')?.get(key)?.body.toString();
const operations = (fake: FakeS3) => fake.requests.map(({ operation }) => operation);

describe('put if absent', () => {
  it('knows its own object again after a lost answer', () =>
    withS3(async ({ fake, store }) => {
      fake.setFaults(spoil('PutObject', LOST));

      const outcome = await store.put('once', bytes('mine'), { ifAbsent: true });

      expect(outcome).toEqual({ written: true, etag: (await store.head('once'))?.etag });
      expect(operations(fake).slice(0, 3)).toEqual(['PutObject', 'PutObject', 'HeadObject']);
    }));

  it('writes when the request never arrived', () =>
    withS3(async ({ fake, store }) => {
      fake.setFaults(spoil('PutObject', NEVER_DONE));

      expect(await store.put('once', bytes('mine'), { ifAbsent: true })).toMatchObject({ written: true });
      expect(stored(fake, 'once')).toBe('mine');
    }));

  it('has lost to another writer of the same content, lost answer or not', async () => {
    let meanwhile: () => Promise<void> = () => Promise.resolve();
    await withS3(
      async ({ fake, store, another }) => {
        const other = another();
        fake.setFaults(spoil('PutObject', NEVER_DONE));
        let done: Promise<unknown> | undefined;
        meanwhile = async () => {
          done ??= other.put('once', bytes('same'), { ifAbsent: true });
          await done;
        };

        expect(await store.put('once', bytes('same'), { ifAbsent: true })).toEqual({ written: false });
      },
      { runtime: { clock: { now: () => 0, sleep: () => meanwhile() } } },
    );
  });

  it('does not look at the object when only throttled before, as a refused request was not done', () =>
    withS3(async ({ fake, store }) => {
      await store.put('once', bytes('theirs'));
      fake.setFaults(spoil('PutObject', { kind: 'refuse', code: 'SlowDown' }));

      expect(await store.put('once', bytes('mine'), { ifAbsent: true })).toEqual({ written: false });
      expect(operations(fake)).not.toContain('HeadObject');
    }));

  it('compares contents where a store drops metadata', () =>
    withS3(
      async ({ fake, store }) => {
        fake.setFaults(spoil('PutObject', LOST));
        expect(await store.put('once', bytes('mine'), { ifAbsent: true })).toMatchObject({ written: true });

        await store.put('other', bytes('theirs'));
        fake.setFaults(spoil('PutObject', NEVER_DONE));
        expect(await store.put('other', bytes('mine'), { ifAbsent: true })).toEqual({ written: false });
      },
      { fake: { behaviour: { keepsMetadata: false } } },
    ));

  it('tries again after 409, the sign of two writes at once, and after an internal error', () =>
    withS3(async ({ fake, store }) => {
      fake.setFaults(spoil('PutObject', { kind: 'refuse', code: 'ConditionalRequestConflict' }));
      expect(await store.put('a', bytes('a'), { ifAbsent: true })).toMatchObject({ written: true });

      fake.setFaults(spoil('PutObject', { kind: 'refuse', code: 'InternalError' }));
      expect(await store.put('b', bytes('b'), { ifAbsent: true })).toMatchObject({ written: true });
    }));
});

describe('put if match', () => {
  it('knows its own object again after a lost answer', () =>
    withS3(async ({ fake, store }) => {
      const first = await store.put('head', bytes('1'));
      fake.setFaults(spoil('PutObject', LOST));

      const second = await store.put('head', bytes('2'), { ifMatch: first.written ? first.etag : '' });

      expect(second).toEqual({ written: true, etag: (await store.head('head'))?.etag });
      expect(stored(fake, 'head')).toBe('2');
    }));

  it('says that it cannot know when others have written since, instead of reporting a lost race', async () => {
    let meanwhile: () => Promise<void> = () => Promise.resolve();
    await withS3(
      async ({ fake, store, another }) => {
        const first = await store.put('head', bytes('1'));
        const other = another();
        fake.setFaults(spoil('PutObject', LOST));
        meanwhile = async () => {
          await other.put('head', bytes('3'));
        };

        const put = store.put('head', bytes('2'), { ifMatch: first.written ? first.etag : '' });

        await expect(put).rejects.toMatchObject({ code: 'storage_outcome_unknown', kind: 'transient' });
      },
      { runtime: { clock: { now: () => 0, sleep: () => meanwhile() } } },
    );
  });
});

describe('completing an upload', () => {
  it('knows its own object again after a lost answer, also when the upload was taken up by its id', () =>
    withS3(async ({ fake, store, another }) => {
      const upload = await store.createMultipart('large');
      await upload.putPart(1, bytes('part'));
      const resumed = await another().resumeMultipart('large', upload.uploadId);
      fake.setFaults(spoil('CompleteMultipartUpload', LOST));

      const outcome = await resumed.complete({ ifAbsent: true });

      expect(outcome).toEqual({ written: true, etag: (await store.head('large'))?.etag });
    }));

  it('says that it cannot know where a store drops metadata', () =>
    withS3(
      async ({ fake, store }) => {
        const upload = await store.createMultipart('large');
        await upload.putPart(1, bytes('part'));
        fake.setFaults(spoil('CompleteMultipartUpload', LOST));

        await expect(upload.complete({ ifAbsent: true })).rejects.toMatchObject({ code: 'storage_outcome_unknown' });
      },
      { fake: { behaviour: { keepsMetadata: false } } },
    ));

  it('loses to an object that is there, and leaves no parts behind', () =>
    withS3(async ({ fake, store }) => {
      const upload = await store.createMultipart('large');
      await upload.putPart(1, bytes('part'));
      await store.put('large', bytes('theirs'));
      fake.setFaults(spoil('CompleteMultipartUpload', NEVER_DONE));

      expect(await upload.complete({ ifAbsent: true })).toEqual({ written: false });
      expect(fake.state.uploads.size).toBe(0);
    }));

  it('asks for a new upload after 409, as S3 says', () =>
    withS3(async ({ fake, store }) => {
      const upload = await store.createMultipart('large');
      await upload.putPart(1, bytes('part'));
      fake.setFaults(spoil('CompleteMultipartUpload', { kind: 'refuse', code: 'ConditionalRequestConflict' }));

      await expect(upload.complete({ ifAbsent: true })).rejects.toMatchObject({
        code: 'upload_conflict',
        kind: 'transient',
      });
    }));

  it('says that the upload is missing when somebody ended it', () =>
    withS3(async ({ fake, store }) => {
      const upload = await store.createMultipart('large');
      await upload.putPart(1, bytes('part'));
      fake.state.uploads.clear();

      await expect(upload.putPart(2, bytes('x'))).rejects.toMatchObject({ code: 'upload_missing' });
      await expect(upload.complete()).rejects.toMatchObject({ code: 'upload_missing' });
    }));

  it('sends a part again whose answer was lost', () =>
    withS3(async ({ fake, store }) => {
      const upload = await store.createMultipart('large');
      fake.setFaults(spoil('UploadPart', LOST));
      await upload.putPart(1, bytes('part'));
      await upload.complete();

      expect(stored(fake, 'large')).toBe('part');
    }));

  it('names the mistake when a part that is not the last is too small', () =>
    withS3(async ({ store }) => {
      const upload = await store.createMultipart('large');
      await upload.putPart(1, bytes('small'));
      await upload.putPart(2, bytes('last'));

      await expect(upload.complete()).rejects.toMatchObject({ code: 'part_too_small', kind: 'bug' });
    }));
});
