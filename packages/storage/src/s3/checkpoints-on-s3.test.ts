import { headKey } from '@adctl/protocol';
import { describe, expect, it } from 'vitest';
import { loadNewestCheckpoint } from '../checkpoint-loading.js';
import { aCheckpoint, sweep, trial } from '../checkpoints.fixtures.js';
import { commitCheckpoint, readHead } from '../checkpoints.js';
import { putInParts, type UnfinishedUploads } from '../large-objects.js';
import { createRandom, SimulatedClock, useCredentials, withS3 } from './s3.fixtures.js';
import { type FakeS3, type Operation, slowDown, spoil } from './testing/index.js';

useCredentials();

describe('a checkpoint on S3', () => {
  it('does not exist when its writer stops between the files and the manifest; the one before it stays the newest', () =>
    withS3(async ({ fake, store }) => {
      await commitCheckpoint(store, aCheckpoint(1, 10));
      const controller = new AbortController();
      const reason = new Error('preempted');
      fake.setFaults((request) => {
        if (request.key.endsWith('s20/state.json')) controller.abort(reason);
        return null;
      });

      const commit = commitCheckpoint(store, aCheckpoint(1, 20, { signal: controller.signal }));

      await expect(commit).rejects.toBe(reason);
      const keys = [...(fake.state.buckets.get('objects')?.keys() ?? [])];
      expect(keys.some((key) => key.includes('/s20/'))).toBe(true);
      const { checkpoint } = await loadNewestCheckpoint(store, sweep, trial);
      expect(checkpoint?.manifest.step).toBe(10);
    }));

  it('ends with the later attempt at the head when two attempts commit at once', () =>
    withS3(async ({ store, another }) => {
      const [older, newer] = await Promise.all([
        commitCheckpoint(store, aCheckpoint(1, 40)),
        commitCheckpoint(another(), aCheckpoint(2, 30)),
      ]);

      const { head } = await readHead(store, sweep, trial);
      expect(head).toMatchObject({ attempt: 2, step: 30, manifestKey: newer.manifestKey });
      expect(newer.fencedBy).toBeUndefined();
      expect([undefined, 2]).toContain(older.fencedBy);
      const after = await commitCheckpoint(store, aCheckpoint(1, 50));
      expect(after.fencedBy).toBe(2);
    }));

  it('moves the head on when a lost answer leaves open who moved it last', async () => {
    let meanwhile: () => Promise<unknown> = () => Promise.resolve();
    await withS3(
      async ({ fake, store, another }) => {
        const other = another();
        await commitCheckpoint(store, aCheckpoint(1, 10));
        // The head of attempt 2 is moved, its answer lost, and attempt 3 moves the head before attempt 2 looks.
        fake.setFaults((request) => {
          const head = request.key === headKey(sweep, trial) && request.operation === 'PutObject';
          if (!head) return null;
          fake.setFaults(null);
          return { kind: 'drop', moment: 'after' };
        });
        meanwhile = () => commitCheckpoint(other, aCheckpoint(3, 5));

        const committed = await commitCheckpoint(store, aCheckpoint(2, 20));

        expect(committed.fencedBy).toBe(3);
        expect((await readHead(store, sweep, trial)).head).toMatchObject({ attempt: 3, step: 5 });
      },
      { runtime: { clock: { now: () => 0, sleep: async () => void (await meanwhile()) } } },
    );
  });

  it.each(['before', 'after'] as const)('is committed whichever put loses its connection %s it was done', (moment) =>
    withS3(async ({ fake, store }) => {
      for (let nth = 1; nth <= 4; nth += 1) {
        fake.setFaults(spoil('PutObject', { kind: 'drop', moment }, nth));
        const committed = await commitCheckpoint(store, aCheckpoint(1, nth * 10));

        expect(committed.fencedBy).toBeUndefined();
        const { checkpoint } = await loadNewestCheckpoint(store, sweep, trial);
        expect(checkpoint?.manifest.step).toBe(nth * 10);
      }
    }),
  );
});

it('says why a large object failed, also when tidying up fails too', () =>
  withS3(async ({ fake, store }) => {
    fake.setFaults(({ operation }) => {
      if (operation === 'UploadPart') return { kind: 'refuse', code: 'AccessDenied' };
      return operation === 'AbortMultipartUpload' ? { kind: 'refuse', code: 'InternalError' } : null;
    });

    const put = putInParts(store, 'v1/large', Buffer.alloc(17 * 1024 * 1024));

    await expect(put).rejects.toMatchObject({ code: 'storage_denied' });
  }));

it('carries a large object in parts through 80 % refusals', async () => {
  const clock = new SimulatedClock();
  await withS3(
    async ({ fake, store }) => {
      const content = Buffer.alloc(40 * 1024 * 1024, 'weights');
      fake.setFaults(slowDown(0.8, createRandom(5)));

      const [outcome] = await clock.run([putInParts(store, 'v1/large', content, { ifAbsent: true })]);

      fake.setFaults(null);
      expect(outcome).toMatchObject({ written: true });
      expect(content.equals((await store.get('v1/large'))?.content ?? Buffer.alloc(0))).toBe(true);
      expect(fake.state.uploads.size).toBe(0);
    },
    { runtime: { clock, random: createRandom(6) }, settings: { checksums: 'always' } },
  );
});

describe('a large file of a checkpoint that is committed again', () => {
  const large = {
    ...aCheckpoint(1, 10),
    files: [{ name: 'model', content: Buffer.alloc(40 * 1024 * 1024, 'weights') }],
  };
  const impatient = { settings: { retry: { deadlineMs: 0 } } };
  const asked = ({ requests }: FakeS3, operation: Operation) =>
    requests.filter((request) => request.operation === operation).map(({ query }) => query.get('partNumber'));

  it('goes on with the parts that are there', () =>
    withS3(async ({ fake, store }) => {
      const unfinished: UnfinishedUploads = new Map();
      fake.setFaults(spoil('UploadPart', { kind: 'drop', moment: 'before' }, 2));

      await expect(commitCheckpoint(store, { ...large, unfinished })).rejects.toMatchObject({ kind: 'transient' });
      await commitCheckpoint(store, { ...large, unfinished });

      expect(asked(fake, 'UploadPart')).toEqual(['1', '2', '2', '3']);
      expect(asked(fake, 'CreateMultipartUpload')).toHaveLength(1);
      expect(fake.state.uploads.size).toBe(0);
      expect((await loadNewestCheckpoint(store, large.sweep, large.trial)).checkpoint).not.toBeNull();
    }, impatient));

  it('sends nothing again after a completion whose answer was lost', () =>
    withS3(async ({ fake, store }) => {
      const unfinished: UnfinishedUploads = new Map();
      fake.setFaults(spoil('CompleteMultipartUpload', { kind: 'drop', moment: 'after' }));

      await expect(commitCheckpoint(store, { ...large, unfinished })).rejects.toMatchObject({ kind: 'transient' });
      await commitCheckpoint(store, { ...large, unfinished });

      expect(asked(fake, 'UploadPart')).toEqual(['1', '2', '3']);
    }, impatient));

  it('begins anew where the lifecycle rule has cleared the parts away', () =>
    withS3(async ({ fake, store }) => {
      const unfinished: UnfinishedUploads = new Map();
      fake.setFaults(spoil('UploadPart', { kind: 'drop', moment: 'before' }, 2));
      await expect(commitCheckpoint(store, { ...large, unfinished })).rejects.toMatchObject({ kind: 'transient' });
      fake.state.uploads.clear();

      await commitCheckpoint(store, { ...large, unfinished });

      expect(asked(fake, 'UploadPart')).toEqual(['1', '2', '1', '2', '3']);
    }, impatient));

  it('is given up when it fails for good', () =>
    withS3(async ({ fake, store }) => {
      const unfinished: UnfinishedUploads = new Map();
      fake.setFaults(spoil('UploadPart', { kind: 'refuse', code: 'AccessDenied' }, 2));

      await expect(commitCheckpoint(store, { ...large, unfinished })).rejects.toMatchObject({ code: 'storage_denied' });

      expect(unfinished.size).toBe(0);
      expect(fake.state.uploads.size).toBe(0);
    }, impatient));
});
