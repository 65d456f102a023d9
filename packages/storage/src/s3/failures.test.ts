import { inspect } from 'node:util';
import { AdctlError } from '@adctl/protocol';
import { describe, expect, it, vi } from 'vitest';
import { ACCESS_KEY_ID, SECRET, useCredentials, withS3 } from './s3.fixtures.js';
import { spoil } from './testing/index.js';
import type { ErrorCode } from './testing/s3-answer.js';

useCredentials();

const refuseWith = (code: ErrorCode) => () => ({ kind: 'refuse', code }) as const;

async function failureOf(action: Promise<unknown>): Promise<AdctlError> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AdctlError)) throw new Error(`no AdctlError but ${inspect(error)}`);
  return error;
}

async function firstOf(listing: AsyncIterable<unknown>): Promise<unknown> {
  for await (const item of listing) return item;
  return undefined;
}

/** Everything a log could print of an error, its causes and hidden fields included. */
const everythingIn = (error: Error) => inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error);

describe('errors say what to do', () => {
  it('a bucket that is not there', () =>
    withS3(
      async ({ store }) => {
        const expected = { code: 'bucket_missing', kind: 'permanent' };
        await expect(store.put('k', Buffer.from('x'))).rejects.toMatchObject(expected);
        await expect(store.put('k', Buffer.from('x'), { ifMatch: '"e"' })).rejects.toMatchObject(expected);
        await expect(store.get('k')).rejects.toMatchObject(expected);
        await expect(firstOf(store.list(''))).rejects.toMatchObject(expected);
      },
      { settings: { bucket: 'another' } },
    ));

  it('access denied, with the operation and the key, at the first try', () =>
    withS3(async ({ fake, store }) => {
      fake.setFaults(refuseWith('AccessDenied'));

      const error = await failureOf(store.put('v1/k', Buffer.from('x')));

      expect(error).toMatchObject({ code: 'storage_denied', kind: 'permanent', details: { tries: 1, status: 403 } });
      expect(error.message).toContain(`PutObject of s3://objects/v1/k at ${fake.endpoint}`);
    }));

  it('a store that cannot be reached, after the deadline', () =>
    withS3(async ({ fake, store }) => {
      await fake.close();

      const error = await failureOf(store.put('k', Buffer.from('x')));

      expect(error).toMatchObject({ code: 'storage_unreachable', kind: 'transient' });
      expect(error.message).toContain('ECONNREFUSED');
      expect(error.details.elapsedMs).toBe(15 * 60_000);
    }));

  it('a store that never answers, as unreachable', () =>
    withS3(
      async ({ fake, store }) => {
        fake.setFaults(() => ({ kind: 'delay', ms: 1 }));

        await expect(store.head('k')).rejects.toMatchObject({
          code: 'storage_unreachable',
          details: { error: 'ETIMEDOUT', tries: 1 },
        });
      },
      {
        fake: { clock: { now: () => 0, sleep: () => new Promise(() => undefined) } },
        settings: { requestTimeoutMs: 50, retry: { deadlineMs: 0 } },
      },
    ));

  it('a store that fails inside, and one that does not know the request', () =>
    withS3(async ({ fake, store }) => {
      fake.setFaults(refuseWith('InternalError'));
      await expect(store.head('k')).rejects.toMatchObject({ code: 'storage_failing', kind: 'transient' });

      fake.setFaults(refuseWith('NotImplemented'));
      await expect(store.get('k')).rejects.toMatchObject({ code: 'storage_unsupported', kind: 'permanent' });

      fake.setFaults(refuseWith('InvalidRequest'));
      await expect(store.get('k')).rejects.toMatchObject({ code: 'storage_refused', kind: 'permanent' });
    }));

  it('no credentials anywhere', () =>
    withS3(async ({ store }) => {
      vi.stubEnv('AWS_ACCESS_KEY_ID', '');
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', '');
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere/credentials');
      vi.stubEnv('AWS_CONFIG_FILE', '/nowhere/config');

      await expect(store.head('k')).rejects.toMatchObject({ code: 'storage_no_credentials', kind: 'permanent' });
    }));
});

describe('what a proxy answers', () => {
  const page = '<html><body>Sorry<br></body></html>';

  it.each([200, 502, 503, 504])('with HTTP %i is not taken for the answer of the store', (status) =>
    withS3(async ({ fake, store }) => {
      fake.setFaults(spoil('PutObject', { kind: 'proxy', status, body: page }));
      await store.put('k', Buffer.from('x'), { ifAbsent: true });
      fake.setFaults(spoil('HeadObject', { kind: 'proxy', status, body: page }));
      expect((await store.head('k'))?.bytes).toBe(1);
      fake.setFaults(spoil('GetObject', { kind: 'proxy', status, body: page }));
      expect(Buffer.from((await store.get('k'))?.content ?? []).toString()).toBe('x');
      fake.setFaults(spoil('ListObjectsV2', { kind: 'proxy', status, body: page }));
      expect(await firstOf(store.list(''))).toMatchObject({ key: 'k' });
      const upload = await store.createMultipart('large');
      fake.setFaults(spoil('UploadPart', { kind: 'proxy', status, body: page }));
      await upload.putPart(1, Buffer.from('part'));
      fake.setFaults(spoil('CompleteMultipartUpload', { kind: 'proxy', status, body: page }));
      expect(await upload.complete({ ifAbsent: true })).toMatchObject({ written: true });
    }),
  );

  it('with HTTP 404 is no absent key', () =>
    withS3(async ({ fake, store }) => {
      fake.setFaults(() => ({ kind: 'proxy', status: 404, body: page }));

      await expect(store.get('k')).rejects.toMatchObject({ code: 'storage_refused', details: { status: 404 } });
    }));
});

describe('secrets', () => {
  it('stand in no error, cause or retry note, even where the store repeats the access key', async () => {
    const notes: unknown[] = [];
    await withS3(
      async ({ fake, store }) => {
        const denied = await failureOf(store.put('k', Buffer.from('x')));
        fake.setFaults(refuseWith('SlowDown'));
        const upload = failureOf(store.createMultipart('k'));
        const text = everythingIn(denied) + everythingIn(await upload) + inspect(notes, { depth: 20 });

        expect(denied.code).toBe('storage_denied');
        for (const secret of [SECRET, ACCESS_KEY_ID, 'Signature', 'Authorization', 'authorization']) {
          expect(text).not.toContain(secret);
        }
      },
      { fake: { accessKeyId: 'AKIAOFSOMEBODYELSE' }, runtime: { onRetry: (note) => notes.push(note) } },
    );
  });

  it('stand in no inspected store', () =>
    withS3(async ({ store }) => {
      await store.put('k', Buffer.from('x'));

      expect(inspect(store, { depth: 20 })).not.toContain(SECRET);
    }));
});

describe('abort', () => {
  it('ends the wait between two tries with the reason of the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('the trial was cancelled');
    await withS3(
      async ({ fake, store }) => {
        fake.setFaults(refuseWith('SlowDown'));

        await expect(store.put('k', Buffer.from('x'), { signal: controller.signal })).rejects.toBe(reason);
        expect(fake.requests).toHaveLength(1);
      },
      { runtime: { onRetry: () => controller.abort(reason) } },
    );
  });

  it('ends a request under way, with the reason too', async () => {
    const controller = new AbortController();
    const reason = new Error('the trial was cancelled');
    const forever = () => new Promise<void>(() => controller.abort(reason));
    await withS3(
      async ({ fake, store }) => {
        fake.setFaults(() => ({ kind: 'delay', ms: 1 }));

        await expect(store.put('k', Buffer.from('x'), { signal: controller.signal })).rejects.toBe(reason);
        expect(fake.state.buckets.get('objects')?.size).toBe(0);
      },
      { fake: { clock: { now: () => 0, sleep: forever } } },
    );
  });

  it('does not tidy up for the whole deadline when the store is away', () =>
    withS3(async ({ fake, store }) => {
      const upload = await store.createMultipart('k');
      fake.setFaults(refuseWith('SlowDown'));

      const error = await failureOf(upload.abort());

      expect(error.code).toBe('storage_throttled');
      expect(error.details.elapsedMs).toBe(10_000);
    }));
});
