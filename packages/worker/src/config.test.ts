import { AdctlError } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { parseWorkerConfig } from './config.js';

describe('parseWorkerConfig', () => {
  test('needs a directory only; empty variables count as unset', () => {
    const config = parseWorkerConfig({ ADCTL_DIRECTORY: '/data/.adctl', ADCTL_SLOTS: '', HOME: '/home/a' });

    expect(config).toMatchObject({
      deployment: { kind: 'embedded', directory: '/data/.adctl' },
      class: 'cpu',
      slots: 1,
      ackWaitMs: 60_000,
      idleMs: null,
      objects: { kind: 'filesystem', directory: '/data/.adctl/objects' },
      unreachableMs: 45_000,
      scratchDirectory: '/data/.adctl/scratch',
      trainer: { kind: 'tensorflow', flavour: 'cpu', threads: 1 },
    });
    expect(config.worker).toMatch(/^w-[a-z0-9-]*-?\d+$/);
  });

  test('names every wrong variable at once', () => {
    const wrong = { ADCTL_SLOTS: '0', ADCTL_ENGINE_FLAVOUR: 'tpu', ADCTL_WORKER_ID: 'Not An Id' };
    const thrown = captured(() => parseWorkerConfig(wrong));

    expect(thrown).toMatchObject({ kind: 'user', code: 'bad_worker_configuration' });
    for (const name of ['ADCTL_DIRECTORY', ...Object.keys(wrong)]) expect(thrown.message).toContain(name);
  });

  test('a server makes it a worker of a cluster, which needs a place for objects', () => {
    const config = parseWorkerConfig({
      ADCTL_NATS_URL: 'nats://nats:4222',
      ADCTL_NATS_IDENTITY: 'pool-gpu',
      ADCTL_OBJECTS: 's3',
      ADCTL_S3_BUCKET: 'bucket',
      ADCTL_SCRATCH_DIR: '/scratch',
    });

    expect(config).toMatchObject({
      deployment: { kind: 'cluster', nats: { servers: ['nats://nats:4222'] }, sharedIdentity: 'pool-gpu' },
      objects: { kind: 's3', settings: { bucket: 'bucket' } },
      scratchDirectory: '/scratch',
      unreachableMs: 300_000,
      worker: expect.stringMatching(/^pool-gpu--[a-z0-9].*-\d+$/),
    });
    expect(captured(() => parseWorkerConfig({ ADCTL_NATS_URL: 'nats://nats:4222' })).message).toContain(
      'ADCTL_OBJECTS',
    );
  });

  test('a worker of a cluster reads no folders unless they are named, an embedded one what its user may', () => {
    const cluster = { ADCTL_NATS_URL: 'nats://nats:4222', ADCTL_OBJECTS: 's3', ADCTL_S3_BUCKET: 'bucket' };
    const rootsOf = (variables: object) => parseWorkerConfig({ ...variables }).dataRoots;

    expect(rootsOf({ ADCTL_DIRECTORY: '/d' })).toBeNull();
    expect(rootsOf(cluster)).toEqual([]);
    expect(rootsOf({ ...cluster, ADCTL_DATA_ROOTS: '/data:/mnt' })).toEqual(['/data', '/mnt']);
    expect(captured(() => rootsOf({ ...cluster, ADCTL_DATA_ROOTS: 'data' })).message).toContain('ADCTL_DATA_ROOTS');
  });

  test('the engine may lie in another cache than the data sets', () => {
    const trainer = (variables: object) => parseWorkerConfig({ ADCTL_DIRECTORY: '/d', ...variables }).trainer;

    expect(trainer({ ADCTL_CACHE_DIR: '/data' })).toMatchObject({
      cacheDirectory: '/data',
      engineCacheDirectory: '/data',
    });
    expect(trainer({ ADCTL_CACHE_DIR: '/data', ADCTL_ENGINE_CACHE_DIR: '/opt/engine' })).toMatchObject({
      cacheDirectory: '/data',
      engineCacheDirectory: '/opt/engine',
    });
  });

  test('other code is refused unless it is allowed; the noop trainer has none to compare', () => {
    const otherCode = (changes: Record<string, string>) =>
      parseWorkerConfig({ ADCTL_DIRECTORY: '/d', ...changes }).otherCode;

    expect(otherCode({})).toBe('refused');
    expect(otherCode({ ADCTL_ALLOW_OTHER_CODE: '1' })).toBe('trained');
    expect(otherCode({ ADCTL_ALLOW_OTHER_CODE: '1', ADCTL_TRAINER: 'noop' })).toBe('not-compared');
  });
});

function captured(action: () => unknown): AdctlError {
  try {
    action();
  } catch (error) {
    if (error instanceof AdctlError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
