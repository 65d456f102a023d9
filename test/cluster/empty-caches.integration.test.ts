import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedFileKey } from '@adctl/protocol';
import { listSharedDatasets, readSharedManifest } from '@adctl/storage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { comparableLeaderboard, type Finished, run } from '../e2e/adctl.ts';
import { makeToySweep } from '../e2e/toy-sweep.ts';
import { type Bucket, S3_CREDENTIALS, startBucket } from './cluster-on-s3.ts';
import { type KubernetesCluster, startKubernetesCluster } from './kubernetes.ts';

/** As a chart installs it: no data in any cache, no folder allowed, objects in S3. */
let bucket: Bucket;
let cluster: KubernetesCluster;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adctl-empty-'));
  bucket = await startBucket();
  cluster = await startKubernetesCluster({
    ackWaitMs: 5_000,
    env: { ...bucket.env, ADCTL_DATA_ROOTS: '' },
    secrets: S3_CREDENTIALS,
    pool: { max: 2, idleSeconds: 600 },
    podCache: join(folder, 'pods'), // one volume for all pods
  });
  await cluster.startLeader({ ...cluster.controllerEnv, ADCTL_CACHE_DIR: join(folder, 'controller') });
});
afterAll(async () => {
  await cluster.close();
  await bucket.close();
  await rm(folder, { recursive: true, force: true });
});

const submit = (file: string) => cluster.run(['sweep', file, '--yes', '--json']);
/** Somebody with the right to write into the bucket. */
const asSharer = (args: readonly string[]) => run([...args, '--json'], { cwd: folder, env: bucket.env });
const errorOf = ({ stdout }: Finished) => JSON.parse(stdout).error;
const logs = () => cluster.kubernetes.pods().map(({ metadata }) => cluster.kubernetes.log(metadata.name));

const MNIST = `
apiVersion: adctl/v1
kind: Sweep
name: mnist
method: dae
dataset: { name: mnist, protocol: one-class, normal: [1], holdout: { selection: 0.02, calibration: 0.02 } }
search: { algorithm: grid, space: { noise: { values: [none, gauss] } } }
train: { preset: quick, hyperparameters: { epochs: 1 } }
seeds: { search: 1, report: 1, finalists: 1 }
`;

test('a data set that is only in the object store trains with the numbers of a local run, through an outage', async () => {
  const file = join(folder, 'mnist.yaml');
  await writeFile(file, MNIST);
  expect(errorOf(await submit(file))).toMatchObject({
    code: 'dataset_missing',
    hint: expect.stringContaining('adctl datasets share mnist'),
  });

  const shared = await asSharer(['datasets', 'fetch', 'mnist', '--share']);
  expect(shared.code, shared.stderr + shared.stdout).toBe(0);
  const downloads = await disturbDownloads();
  const clustered = await submit(file);

  expect(clustered.code, clustered.stderr + clustered.stdout + logs().join('\n')).toBe(0);
  expect(downloads()).toEqual({ begun: 2, isCut: true }); // by two processes at once, and the store went away meanwhile
  const embedded = await run(['sweep', file, '--local', '--yes', '--json', '--slots', '2'], { cwd: folder });
  expect(comparableLeaderboard(clustered.stdout)).toEqual(comparableLeaderboard(embedded.stdout));
  expect(await failures()).toEqual([]);
  const [set] = await listSharedDatasets(bucket.objects);
  expect(await readdir(join(folder, 'pods/datasets/shared'))).toEqual([set?.digest]);
  expect(await readdir(join(folder, 'controller')).catch(() => [])).toEqual([]);
});

test('a folder of images is refused, and trains once it is shared', async () => {
  const toy = await makeToySweep(2);
  const file = join(toy.folder, toy.file);
  expect(errorOf(await submit(file))).toMatchObject({
    code: 'data_root_refused',
    message: expect.stringContaining('this cluster reads no folders'),
  });

  const images = join(toy.folder, 'images');
  const { root } = z
    .object({ root: z.string() })
    .parse(JSON.parse((await asSharer(['datasets', 'share', 'folder', '--root', images])).stdout));
  const sharedFile = join(toy.folder, 'shared.yaml');
  await writeFile(sharedFile, (await readFile(file, 'utf8')).replace('./images', root));
  const clustered = await submit(sharedFile);

  expect(clustered.code, clustered.stderr + clustered.stdout + logs().join('\n')).toBe(0);
  const embedded = await run(['sweep', file, '--local', '--yes', '--json', '--slots', '2'], { cwd: toy.folder });
  // The root is part of a sweep's name, and of no number.
  const board = ({ stdout }: Finished) => comparableLeaderboard(stdout.replaceAll(/toy-[0-9a-f]{8}/g, 'toy'));
  expect(board(clustered)).toEqual(board(embedded));
  const doctor = await cluster.run(['doctor', '--json']);
  const { checks } = z
    .object({ checks: z.array(z.looseObject({ name: z.string() })) })
    .parse(JSON.parse(doctor.stdout));
  expect(checks.find(({ name }) => name === 'datasets')).toMatchObject({
    status: 'ok',
    message: expect.stringMatching(/^shared: folder [0-9a-f]{8}, mnist$/),
  });
  await rm(toy.folder, { recursive: true, force: true });
});

/**
 * Breaks the first download off in the middle of the largest file and refuses that file from then on, until a second process
 * downloads as well.
 */
async function disturbDownloads(): Promise<() => { readonly begun: number; readonly isCut: boolean }> {
  const [set] = await listSharedDatasets(bucket.objects);
  if (set === undefined) throw new Error('nothing was shared');
  const files = (await readSharedManifest(bucket.objects, set))?.files ?? [];
  const largest = files.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  let begun = 0;
  let isCut = false;
  bucket.s3.setFaults(({ method, key }) => {
    if (method !== 'GET') return null;
    if (key.endsWith(sharedFileKey(set.manifest))) begun += 1;
    if (!key.endsWith(sharedFileKey(largest.sha256))) return null;
    if (isCut) return begun < 2 ? { kind: 'refuse', code: 'SlowDown' } : null;
    isCut = true;
    return { kind: 'cut', afterBytes: largest.bytes / 2 };
  });
  return () => ({ begun, isCut });
}

async function failures(): Promise<unknown[]> {
  const { stdout } = await cluster.run(['trials', 'list', '--json']);
  const trials = z.array(z.object({ failures: z.array(z.unknown()) })).parse(JSON.parse(stdout));
  expect(trials).toHaveLength(3);
  return trials.flatMap((trial) => trial.failures);
}
