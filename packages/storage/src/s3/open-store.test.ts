import { describe, expect, it, vi } from 'vitest';
import { openS3Store } from './open-store.js';
import { probeS3, type S3Capabilities } from './probe.js';
import { createInstantClock, useCredentials, withS3 } from './s3.fixtures.js';
import type { FakeBehaviour } from './testing/index.js';

useCredentials();

const ALL: S3Capabilities = {
  putIfAbsent: true,
  putIfAbsentAtomic: true,
  putIfMatch: true,
  multipart: true,
  completeIfAbsent: true,
  strongList: true,
};
const NO_PUT_CONDITIONS = { putIfAbsent: false, putIfAbsentAtomic: false, putIfMatch: false };

const stores: readonly [string, Partial<FakeBehaviour>, Partial<S3Capabilities>][] = [
  ['can everything', {}, {}],
  ['ignores conditions on puts', { conditionalPut: 'ignored' }, NO_PUT_CONDITIONS],
  ['refuses conditions on puts', { conditionalPut: 'refused' }, NO_PUT_CONDITIONS],
  ['ignores the condition on completion', { conditionalComplete: 'ignored' }, { completeIfAbsent: false }],
  ['refuses the condition on completion', { conditionalComplete: 'refused' }, { completeIfAbsent: false }],
  ['lists late', { listsAtOnce: false }, { strongList: false }],
  ['lists no parts', { listsParts: false }, { multipart: false, completeIfAbsent: false }],
];

describe('the probe', () => {
  it.each(stores)('finds out what a store that %s can do, and leaves nothing behind', (_name, behaviour, found) =>
    withS3(
      async ({ fake, store }) => {
        expect(await probeS3(store)).toEqual({ ...ALL, ...found });
        expect(fake.state.buckets.get('objects')?.size).toBe(0);
        expect(fake.state.uploads.size).toBe(0);
        expect(fake.requests.length).toBeLessThan(60);
      },
      { fake: { behaviour } },
    ),
  );

  it('does not take a store that cannot be reached for one that lacks something', () =>
    withS3(async ({ fake, store }) => {
      fake.setFaults(() => ({ kind: 'drop', moment: 'before' }));

      await expect(probeS3(store)).rejects.toMatchObject({ code: 'storage_unreachable' });
    }));
});

describe('opening', () => {
  const open = (endpoint: string, degraded?: 'single-writer') =>
    openS3Store({ bucket: 'objects', endpoint, degraded }, { clock: createInstantClock(), random: () => 0 });

  it('gives the store itself when nothing is missing, degraded mode allowed or not', () =>
    withS3(async ({ fake }) => {
      const opened = await open(fake.endpoint, 'single-writer');
      opened.close();

      expect(opened).toMatchObject({ mode: 'full', capabilities: ALL });
    }));

  it('refuses a store that ignores conditions, naming what is missing', () =>
    withS3(
      async ({ fake }) => {
        await expect(open(fake.endpoint)).rejects.toMatchObject({
          code: 'storage_unfit',
          kind: 'permanent',
          message: expect.stringContaining('putIfAbsent, putIfAbsentAtomic, putIfMatch'),
          hint: expect.stringContaining('single-writer'),
        });
      },
      { fake: { behaviour: { conditionalPut: 'ignored' } } },
    ));

  it('keeps the conditions itself in degraded mode', () =>
    withS3(
      async ({ fake }) => {
        const { store, mode, close } = await open(fake.endpoint, 'single-writer');

        expect(mode).toBe('single-writer');
        expect(await store.put('k', Buffer.from('1'), { ifAbsent: true })).toMatchObject({ written: true });
        expect(await store.put('k', Buffer.from('2'), { ifAbsent: true })).toEqual({ written: false });
        close();
      },
      { fake: { behaviour: { conditionalPut: 'ignored' } } },
    ));

  it('asks for a region when AWS is meant and none is found', async () => {
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere/config');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere/credentials');

    await expect(openS3Store({ bucket: 'objects' })).rejects.toMatchObject({
      code: 'bad_s3_settings',
      message: expect.stringContaining('region'),
    });
  });

  it('refuses late listings in every mode', () =>
    withS3(
      async ({ fake }) => {
        await expect(open(fake.endpoint, 'single-writer')).rejects.toMatchObject({
          code: 'storage_unfit',
          details: { missing: ['strongList'] },
        });
      },
      { fake: { behaviour: { listsAtOnce: false } } },
    ));
});
