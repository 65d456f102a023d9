/**
 * Runs a sweep through everything a cluster has, on this machine: a nats-server with least permissions, an S3 endpoint (moto;
 * a folder where pip cannot get it), the controller, a make-believe Kubernetes whose pods are real worker processes, and
 * `adctl sweep FILE --context`. Then runs the same file embedded and compares.
 *
 *   node test/e2e/run-kubernetes.ts [SWEEP.yaml] [--workers N] [--folder] [--flavour cpu|gpu] [--no-compare | --embedded FOLDER]
 *     needs a built tree and the flavour's engine; default: examples/sweeps/ocgan.yaml, which needs MNIST in the cache
 *     --embedded: the folder whose `.adctl` the file runs in, where it may have run already, as after the quickstart
 *
 * Exit code 0 when both finish and every result is the same: the digest of each trained model and every test number.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { diff, isDeepStrictEqual, parseArgs } from 'node:util';
import { Flavour } from '@adctl/engine';
import { digestOf, TrialResult } from '@adctl/protocol';
import { type ObjectPlace, openObjects } from '@adctl/storage';
import { prepareMoto, startMoto } from '../../packages/storage/src/s3/moto.fixtures.ts';
import { startKubernetesCluster } from '../cluster/kubernetes.ts';
import { comparableLeaderboard, run } from './adctl.ts';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workers: { type: 'string', default: '2' },
    folder: { type: 'boolean', default: false },
    flavour: { type: 'string', default: 'cpu' },
    'no-compare': { type: 'boolean', default: false },
    embedded: { type: 'string' },
  },
});
const file = resolve(positionals[0] ?? 'examples/sweeps/ocgan.yaml');
const flavour = Flavour.parse(flags.flavour);
const BUCKET = 'adctl';
/** A pod without a GPU ends with exit code 77. */
const ON_GPU = {
  flavour: 'gpu' as const,
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { 'nvidia.com/gpu': '1' } },
};
const say = (text: string) => process.stderr.write(`${text}\n`);
const secondsSince = (startMs: number) => ((performance.now() - startMs) / 1000).toFixed(1);

const work = await mkdtemp(join(tmpdir(), 'adctl-kubernetes-'));
const store = flags.folder ? null : await startStore();
const cluster = await startKubernetesCluster({
  ackWaitMs: 20_000,
  pool: { max: Number(flags.workers), idleSeconds: 5, ...(flavour === 'gpu' ? ON_GPU : {}) },
  ...(store === null ? {} : { env: store.env, secrets: store.secrets }),
});
/** Ends every process and removes every file, once. */
let ending: Promise<void> | undefined;
const end = (): Promise<void> => {
  ending ??= (async () => {
    await cluster.close();
    await store?.stop();
    await rm(work, { recursive: true, force: true });
  })();
  return ending;
};
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void end().then(() => process.exit(130)));
let equal = false;
try {
  say(`object store: ${store === null ? cluster.objects : store.env.ADCTL_S3_ENDPOINT}`);
  await cluster.startLeader(cluster.controllerEnv);
  say('the controller leads; no worker runs yet');
  const startedMs = performance.now();
  const clustered = await cluster.run(['sweep', file, '--yes', '--json', '--context', 'test']);
  say(`cluster: exit code ${clustered.code} after ${secondsSince(startedMs)} s`);
  if (clustered.code !== 0) say(clustered.stderr + clustered.stdout);
  const pods = cluster.kubernetes.pods().filter(({ metadata }) => metadata.labels !== undefined);
  for (const { metadata, status } of pods) say(`  pod ${metadata.name}: ${status.phase}`);
  equal = clustered.code === 0 && (flags['no-compare'] || (await compare(clustered.stdout)));
} finally {
  await end();
}
process.exit(equal ? 0 : 1);

async function startStore() {
  const prepared = await prepareMoto();
  if ('reason' in prepared) {
    say(`no S3 endpoint, objects lie in a folder: ${prepared.reason}`);
    return null;
  }
  const moto = await startMoto(prepared.python);
  await moto.createBucket(BUCKET);
  const secrets = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
  const env = { ADCTL_OBJECTS: 's3', ADCTL_S3_BUCKET: BUCKET, ADCTL_S3_ENDPOINT: moto.endpoint };
  return { env, secrets, stop: moto.stop };
}

async function compare(clusteredAnswer: string): Promise<boolean> {
  const startedMs = performance.now();
  const locally = ['--local', '--slots', flags.workers, '--flavour', flavour];
  const folder = flags.embedded === undefined ? work : resolve(flags.embedded);
  const embedded = await run(['sweep', file, '--yes', '--json', ...locally], { cwd: folder });
  say(`embedded: exit code ${embedded.code} after ${secondsSince(startedMs)} s`);
  if (embedded.code !== 0) {
    say(embedded.stderr + embedded.stdout);
    return false;
  }
  const here = await digests({ kind: 'filesystem', directory: join(folder, '.adctl/objects') });
  const there = await digests(placeOfCluster());
  const boards = [comparableRows(clusteredAnswer), comparableRows(embedded.stdout)] as const;
  const sameBoard = isDeepStrictEqual(...boards);
  const differing = [...new Set([...here.keys(), ...there.keys()])].filter(
    (trial) => here.get(trial) !== there.get(trial),
  );
  say(
    `${here.size} results embedded, ${there.size} in the cluster; ${differing.length} differ; same leaderboard: ${sameBoard}`,
  );
  if (!sameBoard) sayDifferences(...boards);
  for (const trial of differing) say(`  ${trial}: ${here.get(trial)} here, ${there.get(trial)} there`);
  say(`digest of all results: ${digestOf([...there].sort())}`);
  return sameBoard && differing.length === 0 && there.size > 0;
}

/** Without the sweep's id, which covers the class of workers: an embedded run's is named after the flavour, here the pool decides. */
function comparableRows(answer: string) {
  const groups = comparableLeaderboard(answer);
  return groups.map((group) => ({ ...group, rows: group.rows.map(({ sweeps, ...row }) => row) }));
}

function sayDifferences(clustered: unknown, embedded: unknown): void {
  const lines = (board: unknown) => JSON.stringify(board, null, 1).split('\n');
  for (const [place, line] of diff(lines(clustered), lines(embedded))) {
    if (place !== 0) say(`  only ${place > 0 ? 'in the cluster' : 'embedded'}: ${line.trim()}`);
  }
}

function placeOfCluster(): ObjectPlace {
  if (store === null) return { kind: 'filesystem', directory: cluster.objects };
  Object.assign(process.env, store.secrets); // the SDK's own chain finds them
  return { kind: 's3', settings: { bucket: BUCKET, endpoint: store.env.ADCTL_S3_ENDPOINT } };
}

/** Digest of each trial's model and test numbers, by trial. */
async function digests(place: ObjectPlace): Promise<Map<string, string>> {
  const opened = await openObjects(place);
  const found = new Map<string, string>();
  for await (const { key } of opened.store.list('v1/result/')) {
    const object = await opened.store.get(key);
    if (object === null || !key.endsWith('.json')) continue;
    const { spec, artifacts, test } = TrialResult.parse(JSON.parse(Buffer.from(object.content).toString('utf8')));
    found.set(spec.trial, digestOf({ model: artifacts.model?.sha256 ?? '', test: test ?? null }));
  }
  opened.close();
  return found;
}
