import { AdctlError, type ControllerStatus, SharedDataset, sha256, userError, WorkerId } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { type ClusterSurroundings, diagnoseCluster } from './doctor-cluster.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const STATUS: ControllerStatus = {
  version: 1,
  adctl: '1.0.0',
  pid: 1,
  startedAt: new Date(NOW).toISOString(),
  at: new Date(NOW).toISOString(),
  deployment: 'cluster',
  controller: 'controller-0',
  objects: { kind: 's3', place: 's3://bucket/', mode: 'full', capabilities: { putIfAbsent: true } },
  nats: { serverVersion: '2.15.1', replicas: 3 },
  workers: [
    {
      version: 1,
      worker: WorkerId.parse('w-1'),
      at: new Date(NOW - 1_000).toISOString(),
      class: 'cpu',
      slots: 2,
      busy: [],
      state: 'ready',
      codeVersion: 'code',
      secondsSinceHeartbeat: 1,
    },
  ],
  slots: 2,
  activeSweeps: 0,
  illegalTransitions: 0,
};

const SHARED = SharedDataset.parse({
  ...{ version: 1, name: 'mnist', kind: 'files', digest: sha256('mnist'), reader: 'idx/1', classes: ['0'] },
  ...{ shape: { height: 28, width: 28, channels: 1 }, counts: { train: 1, test: 1 }, files: 1, bytes: 1 },
  manifest: sha256('manifest'),
});

const refused = () => Promise.reject(userError('nats_auth_refused', 'refused'));

/** A cluster without fault, with changes. */
async function diagnose(changes: Partial<ClusterSurroundings> = {}, status: Partial<ControllerStatus> = {}) {
  const { checks } = await diagnoseCluster({
    adctl: '1.0.0',
    context: { servers: ['tls://nats.lab:4222'], identity: 'alice', nkeySeedFile: '/keys/alice.nk' },
    inspect: (as) => (as === 'nobody' ? refused() : Promise.resolve({ serverVersion: '2.15.1', jetStream: true })),
    isRecommended: () => true,
    status: async () => ({ ...STATUS, ...status }),
    shared: async () => [SHARED],
    isExposed: async () => false,
    now: () => NOW,
    ...changes,
  });
  return checks.filter((check) => check.status !== 'ok').map(({ name, status, message }) => [name, status, message]);
}

/** What is wrong, how the cluster differs for it, and the one check that must tell. */
const FAULTS: readonly [
  what: string,
  changes: Partial<ClusterSurroundings>,
  status: Partial<ControllerStatus>,
  name: string,
  level: string,
  words: RegExp,
][] = [
  ['no data sets', { shared: async () => [] }, {}, 'datasets', 'warn', /none is shared/],
  ['an old server', { isRecommended: () => false }, {}, 'nats', 'warn', /2\.15\.1/],
  [
    'JetStream off',
    { inspect: async () => ({ serverVersion: '2.15.1', jetStream: false }) },
    {},
    'jetstream',
    'fail',
    /off/,
  ],
  [
    'anonymous access',
    { inspect: async () => ({ serverVersion: '2.15.1', jetStream: true }) },
    {},
    'access',
    'warn',
    /anybody/,
  ],
  ['a seed that others may read', { isExposed: async () => true }, {}, 'credentials', 'warn', /alice\.nk/],
  ['a seed that is not there', { isExposed: async () => undefined }, {}, 'credentials', 'fail', /alice\.nk/],
  ['one copy of the streams', {}, { nats: { serverVersion: '2.15.1', replicas: 1 } }, 'replicas', 'warn', /one copy/],
  [
    'a degraded store',
    {},
    {
      objects: {
        kind: 's3',
        place: 's3://bucket/',
        mode: 'single-writer',
        capabilities: { putIfAbsent: false, multipart: true },
      },
    },
    'objects',
    'warn',
    /lacks putIfAbsent$/,
  ],
  ['this clock behind', { now: () => NOW - 20_000 }, {}, 'clocks', 'warn', /this machine is 20\.0 s behind/],
  [
    "a worker's clock ahead",
    {},
    { workers: [{ ...STATUS.workers[0]!, at: new Date(NOW + 29_000).toISOString() }] },
    'clocks',
    'warn',
    /w-1 is 30\.0 s ahead/,
  ],
  ['no workers', {}, { workers: [], slots: 0 }, 'workers', 'warn', /none/],
  ['another version', { adctl: '2.0.0' }, {}, 'controller', 'warn', /1\.0\.0/],
];

describe('diagnoseCluster', () => {
  test('finds nothing wrong with a cluster as it should be', async () => {
    expect(await diagnose()).toEqual([]);
  });

  test.each(FAULTS)('tells %s', async (_what, changes, status, name, level, words) => {
    expect(await diagnose(changes, status)).toEqual([[name, level, expect.stringMatching(words)]]);
  });

  test('stops at a server that cannot be reached, with the mend', async () => {
    const away = new AdctlError('away', { code: 'controller_unreachable', kind: 'transient', hint: 'look there' });

    expect(await diagnose({ inspect: () => Promise.reject(away) })).toEqual([['nats', 'fail', 'away']]);
  });

  test('says that no controller answers', async () => {
    const away = new AdctlError('nobody answers', { code: 'controller_unreachable', kind: 'transient' });

    expect(await diagnose({ status: () => Promise.reject(away) })).toEqual([['controller', 'fail', 'nobody answers']]);
  });
});
