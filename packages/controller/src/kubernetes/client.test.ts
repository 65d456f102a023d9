import { expect, it } from 'vitest';
import { createClient } from './client.js';
import { buildWorkerJob, type JobSurroundings } from './pod-spec.js';
import type { PoolInput } from './pool.js';
import { aPool } from './testing/builders.fixtures.js';
import { configFor, fakeApi, transportTo } from './testing/fake-api.fixtures.js';

const AROUND: JobSurroundings = {
  namespace: 'default',
  instance: 'adctl',
  shared: { imagePullSecrets: [], env: [], volumes: [] },
  owner: undefined,
};
const theJob = (keys: Partial<PoolInput> = {}) =>
  buildWorkerJob(aPool(keys), { name: 'gpu24-1-1', kept: false }, AROUND);

async function setUp(options: Parameters<typeof transportTo>[1] = {}) {
  const server = await fakeApi();
  return { server, client: createClient(transportTo(server, options), 'default') };
}

it('makes a Job that strict validation takes', async () => {
  const { server, client } = await setUp();

  const made = await client.createJob(theJob());

  expect(made.metadata.labels['adctl.dev/pool']).toBe('gpu24');
  expect(server.requests.at(-1)).toMatchObject({ verb: 'create', code: 201, userAgent: 'adctl-controller/test' });
});

it.each([
  ['a busy server', { fault: 'status', code: 429, retryAfter: 0 }],
  ['a failing server', { fault: 'status', code: 500 }],
  ['a server that is away', { fault: 'status', code: 503 }],
  ['a connection cut before the write', { fault: 'cut-before' }],
] as const)('tries again after %s', async (_, what) => {
  const { server, client } = await setUp();
  server.faults.inject({ match: 'create jobs', times: 2, what });

  await client.createJob(theJob());

  expect(server.store.list('jobs')).toHaveLength(1);
  expect(server.faults.left).toBe(0);
});

it('takes its own Job for made when the answer to an earlier try was lost', async () => {
  const { server, client } = await setUp();
  server.faults.inject({ match: 'create jobs', what: { fault: 'cut-after' } });

  const made = await client.createJob(theJob());

  expect(made.metadata.uid).toBe(server.store.list('jobs')[0]?.metadata.uid);
});

it('does not take another Job of the name for its own', async () => {
  const { client } = await setUp();
  await client.createJob(theJob());

  await expect(client.createJob(theJob({ threads: 2 }))).rejects.toMatchObject({ code: 'foreign_job' });
});

it('gives up after five tries, with a passing error', async () => {
  const { server, client } = await setUp();
  server.faults.inject({ match: 'create jobs', times: 9, what: { fault: 'status', code: 503 } });

  await expect(client.createJob(theJob())).rejects.toMatchObject({ code: 'kubernetes_refused', kind: 'transient' });
  expect(server.faults.left).toBe(4);
});

it('does not repeat what the server finds wrong', async () => {
  const { server, client } = await setUp();
  const job = theJob();
  const broken = { ...job, metadata: { ...job.metadata, name: 'Bad_Name' } };

  await expect(client.createJob(broken)).rejects.toMatchObject({ kind: 'user', details: { status: 422 } });
  expect(server.requests).toHaveLength(1);
});

it('says permanent when its rights or its token are refused', async () => {
  const { server } = await setUp();
  const stranger = createClient(transportTo(server, { config: configFor(server.url, 'wrong') }), 'default');

  await expect(stranger.createJob(theJob())).rejects.toMatchObject({ kind: 'permanent', details: { status: 401 } });
});

it('stops waiting for an answer that does not come', async () => {
  const { server, client } = await setUp({ retry: { tries: 1, timeoutMs: 30 } });
  server.faults.inject({ match: 'create jobs', what: { fault: 'slow', ms: 100 } });

  await expect(client.createJob(theJob())).rejects.toMatchObject({ code: 'kubernetes_unreachable' });
});

it('tries a Job without making it, and hears what Pod Security would refuse', async () => {
  const { server, client } = await setUp();
  const ns = server.store.get('namespaces', undefined, 'default');
  ns.metadata.labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  server.store.update('namespaces', ns);
  const job = theJob();
  const unsafe = theJob();
  if (unsafe.spec?.template.spec?.containers[0] !== undefined)
    unsafe.spec.template.spec.containers[0].securityContext = {};

  expect(await client.tryJob(job)).toEqual([]);
  expect(await client.tryJob(unsafe)).toEqual([expect.stringContaining('violates PodSecurity "restricted:latest"')]);
  expect(server.store.list('jobs')).toEqual([]);
});

it('deletes one Job and no later one of its name, and does not mind one that is gone', async () => {
  const { server, client } = await setUp();
  const { metadata } = await client.createJob(theJob());

  await client.deleteJob({ name: metadata.name, uid: 'another' });
  expect(server.store.list('jobs')).toHaveLength(1);
  await client.deleteJob(metadata);
  await client.deleteJob(metadata);
  expect(server.store.list('jobs')).toEqual([]);
});

it('deletes although the first answer was lost', async () => {
  const { server, client } = await setUp();
  const { metadata } = await client.createJob(theJob());
  server.faults.inject({ match: 'delete jobs', what: { fault: 'cut-after' } });

  await client.deleteJob(metadata);

  expect(server.store.list('jobs')).toEqual([]);
});

it('finds what owns its own pod', async () => {
  const { server, client } = await setUp();
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'adctl-7f', uid: 'u7', controller: true };
  server.store.create('pods', {
    ...{ apiVersion: 'v1', kind: 'Pod', spec: { containers: [] } },
    metadata: { name: 'adctl-7f-x', namespace: 'default', ownerReferences: [owner] },
  });

  expect(await client.findOwner('adctl-7f-x')).toEqual({
    ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'adctl-7f', uid: 'u7' },
    blockOwnerDeletion: false,
  });
  expect(await client.findOwner('nobody')).toBeUndefined();
});

it('counts every answer for the metrics', async () => {
  const counted: string[] = [];
  const { server, client } = await setUp({ onAnswer: (verb, status) => counted.push(`${verb} ${status}`) });
  server.faults.inject({ match: 'create jobs', what: { fault: 'cut-before' } });

  await client.createJob(theJob());

  expect(counted).toEqual(['create 0', 'create 201']);
});
