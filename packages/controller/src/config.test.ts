import { AdctlError } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { parseControllerConfig } from './config.js';

const FOLDER = { ADCTL_NATS_URL: 'nats://nats:4222', ADCTL_OBJECTS: 'filesystem', ADCTL_OBJECTS_DIR: '/objects' };

const POOL = {
  ...{ name: 'gpu', class: 'gpu24', image: 'registry.example/worker:1', max: 4 },
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { 'nvidia.com/gpu': '1' } },
};

describe('pools', () => {
  test('are read from a variable; sweeps then name them, and their classes are made at start', () => {
    const config = parseControllerConfig({ ...FOLDER, ADCTL_POOLS: JSON.stringify({ pools: [POOL] }) });

    expect(config.kubernetes).toMatchObject({ instance: 'adctl', pools: { pools: [{ name: 'gpu', max: 4 }] } });
    expect(config.classes).toEqual(['gpu24']);
    expect(config.classOf('gpu')).toBe('gpu24');
    expect(() => config.classOf('other')).toThrow(/other/);
  });

  test('come from one place', () => {
    const variables = { ...FOLDER, ADCTL_POOLS: '{}', ADCTL_POOLS_FILE: '/pools.yaml' };

    expect(() => parseControllerConfig(variables)).toThrow('ADCTL_POOLS, ADCTL_POOLS_FILE: exclude each other');
  });

  test('say where their mistakes are, and when their file is not there', () => {
    expect(() => parseControllerConfig({ ...FOLDER, ADCTL_POOLS: '{ "pools": [] }' })).toThrow(
      /ADCTL_POOLS has a mistake/,
    );
    expect(() => parseControllerConfig({ ...FOLDER, ADCTL_POOLS_FILE: '/nowhere.yaml' })).toThrow(/cannot be read/);
  });

  test('are none where no pools are given', () => {
    expect(parseControllerConfig(FOLDER).kubernetes).toBeNull();
  });
});

describe('parseControllerConfig', () => {
  test('needs a server and a place for objects; empty variables count as unset', () => {
    const config = parseControllerConfig({ ...FOLDER, ADCTL_NATS_CREDS_FILE: '', HOME: '/home/a' });

    expect(config).toMatchObject({
      nats: { servers: ['nats://nats:4222'], patienceMs: 30_000 },
      identity: 'controller',
      objects: { kind: 'filesystem', directory: '/objects' },
      streams: { replicas: 1, ackWaitMs: 60_000 },
      classes: ['cpu'],
      ackWaitMs: 60_000,
      windowPerSlot: 2,
    });
    expect(config.nats).not.toHaveProperty('credentials');
    expect(config.nats).not.toHaveProperty('tls');
    expect(config.controllerId).toMatch(/^[a-z0-9-]+-\d+$/);
  });

  test('lets sweeps read no folders unless they are named, all of them absolute', () => {
    const rootsOf = (ADCTL_DATA_ROOTS?: string) => parseControllerConfig({ ...FOLDER, ADCTL_DATA_ROOTS }).dataRoots;

    expect([rootsOf(), rootsOf(''), rootsOf('/data:/mnt/images')]).toEqual([[], [], ['/data', '/mnt/images']]);
    expect(() => rootsOf('/data:images')).toThrow('ADCTL_DATA_ROOTS: must be absolute folders joined by colons');
  });

  test('reads several servers, TLS, an nkey and an S3 bucket', () => {
    const config = parseControllerConfig({
      ADCTL_NATS_URL: 'tls://a:4222, tls://b:4222',
      ADCTL_NATS_CA_FILE: '/tls/ca.crt',
      ADCTL_NATS_NKEY_SEED_FILE: '/keys/seed',
      ADCTL_NATS_REPLICAS: '3',
      ADCTL_OBJECTS: 's3',
      ADCTL_S3_BUCKET: 'bucket',
      ADCTL_S3_PREFIX: 'adctl/',
      ADCTL_S3_ENDPOINT: 'https://minio:9000',
      ADCTL_S3_PATH_STYLE: '0',
    });

    expect(config).toMatchObject({
      nats: {
        servers: ['tls://a:4222', 'tls://b:4222'],
        tls: { caFile: '/tls/ca.crt' },
        credentials: { nkeySeedFile: '/keys/seed' },
      },
      streams: { replicas: 3 },
      objects: {
        kind: 's3',
        settings: { bucket: 'bucket', prefix: 'adctl/', endpoint: 'https://minio:9000', forcePathStyle: false },
      },
    });
  });

  test('tls:// alone asks for TLS with the machine’s authorities', () => {
    expect(parseControllerConfig({ ...FOLDER, ADCTL_NATS_URL: 'tls://nats:4222' }).nats.tls).toEqual({});
  });

  test('names every mistake at once, and repeats no value', () => {
    const wrong = {
      ADCTL_NATS_URL: 'nats://me:secret@nats:4222',
      ADCTL_NATS_NKEY_SEED_FILE: '/seed',
      ADCTL_NATS_CREDS_FILE: '/creds',
      ADCTL_NATS_PASSWORD_FILE: '/password',
      ADCTL_NATS_CERT_FILE: '/cert',
      ADCTL_NATS_REPLICAS: '2',
      ADCTL_NATS_NAMESPACE: 'A.B',
      ADCTL_OBJECTS: 's3',
      ADCTL_S3_CHECKSUMS: 'never',
      ADCTL_ACK_WAIT_MS: 'soon',
      ADCTL_POOL_CLASSES: 'gpu',
    };
    const thrown = captured(() => parseControllerConfig(wrong));

    expect(thrown).toMatchObject({ kind: 'user', code: 'bad_controller_configuration' });
    const missing = ['ADCTL_S3_BUCKET', 'ADCTL_NATS_USER', 'ADCTL_NATS_KEY_FILE'];
    for (const name of [...Object.keys(wrong), ...missing].filter((name) => name !== 'ADCTL_OBJECTS')) {
      expect(thrown.message).toContain(name);
    }
    expect(thrown.message).not.toContain('secret');
  });

  test('says what is missing when nothing is set', () => {
    expect(captured(() => parseControllerConfig({})).details.issues).toEqual([
      'ADCTL_NATS_URL: is needed',
      'ADCTL_OBJECTS: say s3 or filesystem',
    ]);
  });

  test('a pool is its own class unless pools are listed; then another pool is refused', () => {
    const listed = parseControllerConfig({ ...FOLDER, ADCTL_POOL_CLASSES: 'gpu=gpu24,spot=gpu24,cpu=cpu' });

    expect(parseControllerConfig(FOLDER).classOf('anything')).toBe('anything');
    expect(parseControllerConfig(FOLDER).classOf('default')).toBe('cpu');
    expect(listed.classOf('default')).toBe('gpu24');
    expect(listed.classes).toEqual(['gpu24', 'cpu']);
    expect(listed.classOf('spot')).toBe('gpu24');
    expect(captured(() => listed.classOf('tpu'))).toMatchObject({ code: 'unknown_pool', kind: 'user' });
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
