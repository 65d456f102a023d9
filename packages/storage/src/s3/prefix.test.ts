import { expect, it } from 'vitest';
import { useCredentials, withS3 } from './s3.fixtures.js';
import type { StoredObject } from './testing/index.js';

useCredentials();

const foreign: StoredObject = {
  body: Buffer.from('foreign'),
  etag: '0123456789abcdef0123456789abcdef',
  contentType: 'text/plain',
  metadata: {},
  modifiedAt: new Date(0),
};

const keysOf = async (listing: AsyncIterable<{ readonly key: string }>) => {
  const keys: string[] = [];
  for await (const { key } of listing) keys.push(key);
  return keys;
};

it('writes every key below the prefix and sees nothing beside it', () =>
  withS3(
    async ({ fake, store }) => {
      const bucket = fake.state.buckets.get('objects');
      for (const key of ['v1/a', 'team', 'team/v1/a', 'team-b/v1/a', 'team/', 'team/x y', 'zoo/v1/a'])
        bucket?.set(key, foreign);

      await store.put('v1/b', Buffer.from('x'));
      const upload = await store.createMultipart('v1/c');
      await upload.putPart(1, Buffer.from('x'));
      await upload.complete();

      expect([...(bucket?.keys() ?? [])].slice(-2)).toEqual(['team/v1/b', 'team/v1/c']);
      expect(await keysOf(store.list(''))).toEqual(['v1/a', 'v1/b', 'v1/c']);
      expect(await keysOf(store.list('v1/', { after: 'v1/a' }))).toEqual(['v1/b', 'v1/c']);
      expect(await store.get('b/v1/a')).toBeNull();
      await store.delete('v1/a');
      expect(bucket?.has('v1/a')).toBe(true);
    },
    { settings: { prefix: 'team' } },
  ));

it.each(['../other/v1/a', 'v1/../../other', '/v1/a', 'v1//a', './a', 'v1/%2e%2e/a', 'v1/a?acl', 'v1/a#x'])(
  'sends no request for the key %j',
  (key) =>
    withS3(
      async ({ fake, store }) => {
        const refusal = { code: 'bad_object_key', kind: 'bug' };
        await expect(store.put(key, Buffer.from('x'))).rejects.toMatchObject(refusal);
        await expect(store.delete(key)).rejects.toMatchObject(refusal);
        await expect(store.createMultipart(key)).rejects.toMatchObject(refusal);
        await expect(store.resumeMultipart(key, 'x')).rejects.toMatchObject(refusal);
        expect(fake.requests).toEqual([]);
      },
      { settings: { prefix: 'team' } },
    ),
);

it('refuses a key that is too long only with its prefix', () =>
  withS3(
    async ({ store }) => {
      await expect(store.put('k'.repeat(1020), Buffer.from('x'))).rejects.toMatchObject({ code: 'bad_object_key' });
      await expect(store.put('k'.repeat(1019), Buffer.from('x'))).resolves.toMatchObject({ written: true });
    },
    { settings: { prefix: 'team' } },
  ));
