/**
 * Metric points through the NATS adapter into the metrics stream: a steady 10,000 points a second from 50 trials, then as
 * many as one worker process can send.
 *
 *   npm run build && node bench/nats-ingest.ts [old|newest]
 *
 * Client and server share the machine. Needed: at least 10,000 points a second.
 */
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { connectNats, prepareNats } from '@adctl/messaging/nats';
import { findNatsBinaries, startNatsServer } from '@adctl/testkit';

const TRIALS = 50;
const ROWS = 20;
const COLUMNS = ['reconstruction', 'adversarial', 'classifier', 'total', 'selection.auroc'];
const POINTS = ROWS * COLUMNS.length;
const POINTS_PER_SECOND = 10_000;
const STEADY_SECONDS = 10;
const FLOOD_MESSAGES = 20_000;

const binary = (await findNatsBinaries())[process.argv[2] === 'old' ? 'old' : 'newest'];
if ('missing' in binary) throw new Error(`no nats-server: ${binary.missing}`);
const server = await startNatsServer({ path: binary.path });
const options = { servers: [server.url], role: 'controller', identity: 'bench' } as const;
await prepareNats({ ...options, classes: [] });
const messaging = await connectNats(options);

const batch = (trial: number, part: number) => ({
  subject: `metric.bench.t${trial}`,
  data: {
    version: 1,
    type: 'metric',
    sweep: 'bench',
    trial: `t${trial}`,
    attempt: 1,
    epochs: Array.from({ length: ROWS }, (_, row) => part * ROWS + row),
    columns: Object.fromEntries(
      COLUMNS.map((name, column) => [name, Array.from({ length: ROWS }, (_, row) => Math.sin(part + row * column))]),
    ),
  },
});

const quantile = (sorted: readonly number[], q: number) => sorted[Math.floor(q * (sorted.length - 1))]?.toFixed(2);

const latencies: number[] = [];
const perTick = POINTS_PER_SECOND / POINTS / 10; // messages each 100 ms
const pending: Promise<unknown>[] = [];
const cpuBefore = process.cpuUsage();
const start = performance.now();
for (let tick = 0; tick < STEADY_SECONDS * 10; tick += 1) {
  for (let message = 0; message < perTick; message += 1) {
    const { subject, data } = batch((tick * perTick + message) % TRIALS, tick);
    const sent = performance.now();
    pending.push(messaging.events.append(subject, data).then(() => latencies.push(performance.now() - sent)));
  }
  await delay(Math.max(start + (tick + 1) * 100 - performance.now(), 0));
}
await Promise.all(pending);
const steadySeconds = (performance.now() - start) / 1_000;
const cpu = process.cpuUsage(cpuBefore);
latencies.sort((a, b) => a - b);

const flood = Array.from({ length: FLOOD_MESSAGES }, (_, index) => batch(index % TRIALS, index));
const floodStart = performance.now();
await messaging.events.appendAll(flood);
const floodSeconds = (performance.now() - floodStart) / 1_000;

let stored = 0;
const readStart = performance.now();
for await (const event of messaging.events.read('metric.>')) {
  if (event.sequence > 0) stored += 1;
}
const readSeconds = (performance.now() - readStart) / 1_000;
const expected = latencies.length + FLOOD_MESSAGES;
if (stored !== expected) throw new Error(`${stored} messages are stored, not ${expected}`);

const row = (name: string, value: string) => process.stdout.write(`${name.padEnd(34)}${value}\n`);
row('machine', `${os.cpus()[0]?.model.trim()}, ${os.cpus().length} cores, load ${os.loadavg()[0]?.toFixed(1)}`);
row('node, nats-server', `${process.version}, ${binary.version}`);
row('points a message', `${POINTS} (${JSON.stringify(flood[0]?.data).length} bytes)`);
row('steady: points/s', `${Math.round((latencies.length * POINTS) / steadySeconds)}`);
row('steady: append p50 / p99 ms', `${quantile(latencies, 0.5)} / ${quantile(latencies, 0.99)}`);
row('steady: client CPU', `${((100 * (cpu.user + cpu.system)) / 1e6 / steadySeconds).toFixed(0)} % of a core`);
row('flood: points/s', `${Math.round((FLOOD_MESSAGES * POINTS) / floodSeconds)}`);
row('flood: messages/s', `${Math.round(FLOOD_MESSAGES / floodSeconds)}`);
row('read back: messages/s', `${Math.round(stored / readSeconds)}`);
await messaging.close();
await server.remove();
