/**
 * Durable no-op trials a second through the whole cluster path, beside its ceilings and its peers, in one run: a real
 * nats-server, a controller process, two worker processes, results in S3. Everything but training is real: plan, dispatch,
 * claim, result object, event, ack, fold.
 *
 *   node bench/cluster-throughput.ts [--trials 10000] [--slots 16] [--endpoint URL --bucket NAME] [--python PATH] [--peers 1]
 *
 * Needs a built tree and MNIST in the cache (adctl datasets fetch mnist). Peers run with the Python that
 * `bench/peers/requirements.txt` is installed for, by default `bench/.venv`; `--peers 0` leaves them out. Without an endpoint
 * the repository's own S3 runs as a process; credentials of another one are found by the AWS SDK's chain.
 *
 * Limits: 15 x Ray Tune, 1 x Optuna's journal, gap p50 20 ms.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measurePublishes, measurePuts } from './noop/ceilings.ts';
import { type Running, startEmbeddedIn, startNewestNats, startOnNats } from './noop/deployments.ts';
import { machineLine, quantile } from './noop/figures.ts';
import { type Measured, measure } from './noop/measure.ts';
import { measurePeer, PEERS, type PeerFigures, type PeerKind } from './noop/peers.ts';
import { type S3Endpoint, startFakeEndpoint } from './noop/s3-endpoint.ts';

const { values: flags } = parseArgs({
  options: {
    trials: { type: 'string', default: '10000' },
    slots: { type: 'string', default: '16' },
    endpoint: { type: 'string' },
    bucket: { type: 'string', default: 'bench' },
    python: { type: 'string', default: fileURLToPath(new URL('.venv/bin/python', import.meta.url)) },
    peers: { type: 'string', default: '1' },
  },
});
const trials = Number(flags.trials);
const WORKERS = 2;
const many = { workers: WORKERS, slots: Number(flags.slots) };
const single = { workers: WORKERS, slots: 1 };
/** Enough for a steady rate; slower systems get fewer. */
const few = Math.min(trials, 300);
const PUBLISHES = 20_000;

const folder = await mkdtemp(join(os.tmpdir(), 'adctl-bench-'));
const server = await startNewestNats();
const s3: S3Endpoint =
  flags.endpoint === undefined
    ? await startFakeEndpoint()
    : { name: flags.endpoint, endpoint: flags.endpoint, bucket: flags.bucket, stop: async () => undefined };

async function stopAfter(running: Running, work: (running: Running) => Promise<Measured>): Promise<Measured> {
  try {
    return await work(running);
  } finally {
    await running.stop();
  }
}

const perSecond = (value: number) => `${value.toFixed(value < 100 ? 1 : 0)}/s`;
const row = (...cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`);
const ms = (value: number) => `${value.toFixed(1)} ms`;

try {
  const place = { kind: 's3', settings: { endpoint: s3.endpoint, bucket: s3.bucket, region: 'us-east-1' } } as const;
  const cluster = await stopAfter(await startOnNats(server, place, many), (running) => measure(running, many, trials));
  const clusterSingle = await stopAfter(await startOnNats(server, place, single), (running) =>
    measure(running, single, few),
  );
  const embedded = await stopAfter(await startEmbeddedIn(join(folder, 'many'), many), (running) =>
    measure(running, many, trials),
  );
  const embeddedSingle = await stopAfter(await startEmbeddedIn(join(folder, 'single'), single), (running) =>
    measure(running, single, few),
  );
  const bytes = Buffer.byteLength(JSON.stringify(cluster.results[0]));
  const puts = await measurePuts(s3, many, { count: trials, bytes });
  const publishes = await measurePublishes(server.url, PUBLISHES);
  const peers = new Map<PeerKind, PeerFigures | null>();
  for (const peer of flags.peers === '1' ? PEERS : []) {
    peers.set(peer.kind, await measurePeer(flags.python, peer, peer.kind === 'optuna-journal' ? 2 * few : few));
  }
  const ray = peers.get('ray')?.trialsPerSecond;
  const journal = peers.get('optuna-journal')?.trialsPerSecond;
  const times = (rate: number, peer: number | undefined) =>
    peer === undefined ? '-' : `${(rate / peer).toFixed(1)} x`;

  console.log(`${machineLine()}, nats-server ${server.version}, S3: ${s3.name}`);
  console.log('| what | trials/s | of Ray (limit 15 x) | of the journal (limit 1 x) | gap p50 / p99 |');
  console.log('| --- | --- | --- | --- | --- |');
  const ours = (name: string, { trialsPerSecond: rate }: Measured, { gapsMs }: Measured) =>
    row(
      `${name}, ${WORKERS} workers x ${many.slots} slots`,
      perSecond(rate),
      times(rate, ray),
      times(rate, journal),
      `${ms(quantile(gapsMs, 0.5))} / ${ms(quantile(gapsMs, 0.99))} (1 slot)`,
    );
  ours('adctl on NATS and S3', cluster, clusterSingle);
  ours('adctl embedded', embedded, embeddedSingle);
  for (const { name, kind } of PEERS) {
    const figures = peers.get(kind);
    if (figures === undefined) continue;
    if (figures === null) row(name, 'not installed: pip install -r bench/peers/requirements.txt', '', '', '');
    else row(`${name} ${figures.version}, 2 workers`, perSecond(figures.trialsPerSecond), '', '', ms(figures.gapMs));
  }
  console.log('\n| ceiling or cost | measured |\n| --- | --- |');
  row(
    'results stored, cluster and embedded',
    `${cluster.results.length} and ${embedded.results.length} of ${trials + 1}`,
  );
  row(`puts of ${bytes} bytes to that S3, 2 processes x ${many.slots} in flight`, perSecond(puts));
  row('publishes to JetStream, acknowledged', perSecond(publishes));
  row(
    'trials/s with one slot a worker, cluster and embedded',
    `${perSecond(clusterSingle.trialsPerSecond)}, ${perSecond(embeddedSingle.trialsPerSecond)}`,
  );
  row(
    'CPU a trial: controller, both workers, embedded controller',
    `${ms(cluster.controllerMs)}, ${ms(cluster.workersMs)}, ${ms(embedded.controllerMs)}`,
  );
} finally {
  await s3.stop();
  await server.remove();
  await rm(folder, { recursive: true, force: true });
}
