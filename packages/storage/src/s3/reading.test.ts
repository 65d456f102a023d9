import { describe, expect, it } from 'vitest';
import { useCredentials, withS3 } from './s3.fixtures.js';
import { spoil } from './testing/index.js';

useCredentials();

const content = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31) % 251));

describe.each(['always', 'whenRequired'] as const)('reading, with checksums %s', (checksums) => {
  const settings = { checksums };

  it('goes on behind the last byte when the connection breaks', () =>
    withS3(
      async ({ fake, store }) => {
        await store.put('k', content);
        fake.setFaults(spoil('GetObject', { kind: 'cut', afterBytes: 100_000 }));

        const chunks: Uint8Array[] = [];
        for await (const chunk of store.read('k')) chunks.push(chunk);

        expect(Buffer.concat(chunks).equals(content)).toBe(true);
        const ranges = fake.requests.flatMap(({ headers }) => headers.range ?? []);
        expect(ranges).toHaveLength(1);
        expect(ranges[0]).toMatch(/^bytes=\d+-$/);
      },
      { settings },
    ));

  it('does not glue two versions of an object together', () =>
    withS3(
      async ({ fake, store, another }) => {
        const other = another();
        await store.put('k', content);
        fake.setFaults(spoil('GetObject', { kind: 'cut', afterBytes: 100_000 }));

        const reading = (async () => {
          let first = true;
          for await (const chunk of store.read('k')) {
            if (first) await other.put('k', Buffer.alloc(300_000, 'x'));
            first = false;
            expect(chunk.byteLength).toBeGreaterThan(0);
          }
        })();

        await expect(reading).rejects.toMatchObject({ code: 'object_changed', kind: 'transient' });
      },
      { settings },
    ));

  it('fetches content anew that was damaged on the way, and says so when it stays damaged', () =>
    withS3(
      async ({ fake, store }) => {
        await store.put('k', content);
        fake.setFaults(spoil('GetObject', { kind: 'garble' }));
        expect(content.equals((await store.get('k'))?.content ?? Buffer.alloc(0))).toBe(true);

        fake.setFaults(({ operation }) => (operation === 'GetObject' ? { kind: 'garble' } : null));
        await expect(store.get('k')).rejects.toMatchObject({ code: 'object_damaged', kind: 'permanent' });
      },
      { settings },
    ));

  it('frees the connection when the reader stops early', () =>
    withS3(
      async ({ store }) => {
        await store.put('k', content);
        for (let round = 0; round < 5; round += 1) {
          for await (const chunk of store.read('k')) {
            expect(chunk.byteLength).toBeGreaterThan(0);
            break;
          }
        }

        expect((await store.head('k'))?.bytes).toBe(content.byteLength);
      },
      { settings: { ...settings, maxSockets: 1 } },
    ));
});

it('sends content again that was damaged on the way there', () =>
  withS3(
    async ({ fake, store }) => {
      fake.setFaults(spoil('PutObject', { kind: 'refuse', code: 'BadDigest' }));

      expect(await store.put('k', content)).toMatchObject({ written: true });
      const sums = fake.requests.map(({ headers }) => headers['x-amz-checksum-sha256']);
      expect(sums[0]).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    },
    { settings: { checksums: 'always' } },
  ));
