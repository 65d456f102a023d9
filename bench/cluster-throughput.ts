/**
 * Durable no-op trials a second through the whole cluster path, beside its ceilings and its peers: a real nats-server, a
 * controller process, two worker processes, results in S3. Everything but training is real: plan, dispatch, claim, result
 * object, event, ack, fold.
 *
 *   node bench/cluster-throughput.ts [--trials 10000] [--slots 48] [--rounds 3] [--endpoint URL --bucket NAME] [--python PATH] [--peers 1]
 *
 * Everybody runs the same number of trials, one after the other, in every round; a round takes nine minutes, five of them
 * Ray's. Rates are medians over the rounds, with the lowest and the highest; ratios are those of the medians.
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
import { type Running, type Size, startEmbeddedIn, startNewestNats, startOnNats } from './noop/deployments.ts';
import { machineLine, quantile } from './noop/figures.ts';
import { type Measured, measure } from './noop/measure.ts';
import { measurePeer, PEERS, type PeerFigures, type PeerKind } from './noop/peers.ts';
import { type S3Endpoint, startFakeEndpoint } from './noop/s3-endpoint.ts';

const { values: flags } = parseArgs({
  options: {
    trials: { type: 'string', default: '10000' },
    slots: { type: 'string', default: '48' },
    rounds: { type: 'string', default: '3' },
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
/** Enough for the gaps between trials. */
const few = Math.min(trials, 300);
const PUBLISHES = 20_000;

/** What one round measured. */
interface Round {
  readonly natsVersion: string;
  readonly s3Name: string;
  readonly cluster: Measured;
  readonly clusterSingle: Measured;
  readonly embedded: Measured;
  readonly embeddedSingle: Measured;
  readonly puts: number;
  readonly publishes: number;
  /** Null: not installed. */
  readonly peers: ReadonlyMap<PeerKind, PeerFigures | null>;
}

async function measureAndStop(running: Running, size: Size, count: number): Promise<Measured> {
  try {
    return await measure(running, size, count);
  } finally {
    await running.stop();
  }
}

/** With a server and an endpoint of its own: in an old one the trials of the round before would be found again. */
async function runRound(): Promise<Round> {
  const folder = await mkdtemp(join(os.tmpdir(), 'adctl-bench-'));
  const server = await startNewestNats();
  const s3: S3Endpoint =
    flags.endpoint === undefined
      ? await startFakeEndpoint()
      : { name: flags.endpoint, endpoint: flags.endpoint, bucket: flags.bucket, stop: async () => undefined };
  try {
    const place = { kind: 's3', settings: { endpoint: s3.endpoint, bucket: s3.bucket, region: 'us-east-1' } } as const;
    const cluster = await measureAndStop(await startOnNats(server, place, many), many, trials);
    const clusterSingle = await measureAndStop(await startOnNats(server, place, single), single, few);
    const embedded = await measureAndStop(await startEmbeddedIn(join(folder, 'many'), many), many, trials);
    const embeddedSingle = await measureAndStop(await startEmbeddedIn(join(folder, 'single'), single), single, few);
    const puts = await measurePuts(s3, many, { count: trials, bytes: cluster.resultBytes });
    const publishes = await measurePublishes(server.url, PUBLISHES);
    const peers = new Map<PeerKind, PeerFigures | null>();
    for (const peer of flags.peers === '1' ? PEERS : []) {
      peers.set(peer.kind, await measurePeer(flags.python, peer, trials));
    }
    const about = { natsVersion: server.version, s3Name: s3.name };
    return { ...about, cluster, clusterSingle, embedded, embeddedSingle, puts, publishes, peers };
  } finally {
    await s3.stop();
    await server.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

const rounds: Round[] = [];
const machine = machineLine(); // before anything runs: its load is the machine's own
for (let round = 0; round < Number(flags.rounds); round += 1) rounds.push(await runRound());

const [first] = rounds;
if (first === undefined) throw new RangeError('--rounds must be at least 1');
const over = (pick: (round: Round) => number) => rounds.map(pick);
const median = (values: readonly number[]) => quantile(values, 0.5);
const perSecond = (value: number) => `${value.toFixed(value < 100 ? 1 : 0)}/s`;
const spread = (values: readonly number[]) =>
  rounds.length === 1
    ? perSecond(median(values))
    : `${perSecond(median(values))} (${perSecond(Math.min(...values))} to ${perSecond(Math.max(...values))})`;
const row = (...cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`);
const ms = (value: number) => `${value.toFixed(1)} ms`;
const peerRates = (kind: PeerKind) => rounds.flatMap(({ peers }) => peers.get(kind)?.trialsPerSecond ?? []);
const times = (rates: readonly number[], kind: PeerKind) =>
  peerRates(kind).length === 0 ? '-' : `${(median(rates) / median(peerRates(kind))).toFixed(2)} x`;

console.log(
  `${machine}, nats-server ${first.natsVersion}, S3: ${first.s3Name}; ${trials} trials, ${rounds.length} rounds`,
);
row('what', 'trials/s', 'of Ray (limit 15 x)', 'of the journal (limit 1 x)', 'gap p50 / p99');
row('---', '---', '---', '---', '---');
const ours = (name: string, pick: (round: Round) => Measured, pickSingle: (round: Round) => Measured) => {
  const rates = over((round) => pick(round).trialsPerSecond);
  const gaps = rounds.flatMap((round) => pickSingle(round).gapsMs);
  row(
    `${name}, ${WORKERS} workers x ${many.slots} slots`,
    spread(rates),
    times(rates, 'ray'),
    times(rates, 'optuna-journal'),
    `${ms(quantile(gaps, 0.5))} / ${ms(quantile(gaps, 0.99))} (1 slot)`,
  );
};
ours(
  'adctl on NATS and S3',
  ({ cluster }) => cluster,
  ({ clusterSingle }) => clusterSingle,
);
ours(
  'adctl embedded',
  ({ embedded }) => embedded,
  ({ embeddedSingle }) => embeddedSingle,
);
for (const { name, kind } of PEERS) {
  const figures = first.peers.get(kind);
  if (figures === undefined) continue;
  if (figures === null) row(name, 'not installed: pip install -r bench/peers/requirements.txt', '', '', '');
  else row(`${name} ${figures.version}, 2 workers`, spread(peerRates(kind)), '', '', ms(figures.gapMs));
}
console.log('\n| ceiling or cost | measured |\n| --- | --- |');
row(
  `results stored, cluster and embedded, of ${trials + 1} a round`,
  rounds.map(({ cluster, embedded }) => `${cluster.stored}, ${embedded.stored}`).join('; '),
);
row(
  `puts of ${first.cluster.resultBytes} bytes to that S3, 2 processes x ${many.slots} in flight`,
  spread(over(({ puts }) => puts)),
);
row('publishes to JetStream, acknowledged', spread(over(({ publishes }) => publishes)));
row('trials/s with one slot a worker, cluster', spread(over(({ clusterSingle }) => clusterSingle.trialsPerSecond)));
row('trials/s with one slot a worker, embedded', spread(over(({ embeddedSingle }) => embeddedSingle.trialsPerSecond)));
row(
  'CPU a trial: controller, both workers, embedded controller',
  [
    over(({ cluster }) => cluster.controllerMs),
    over(({ cluster }) => cluster.workersMs),
    over(({ embedded }) => embedded.controllerMs),
  ]
    .map((values) => ms(median(values)))
    .join(', '),
);
