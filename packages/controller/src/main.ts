import { readFileSync } from 'node:fs';
import { systemClock } from '@adctl/messaging';
import { connectNats, prepareNats } from '@adctl/messaging/nats';
import { exitCodeOfProcess, lastWordsOf } from '@adctl/protocol';
import { pino } from 'pino';
import { z } from 'zod';
import { type ClusterParts, startLeading } from './cluster/lead.js';
import { openStore } from './cluster/open-store.js';
import { untilSignalled } from './cluster/process.js';
import { type ControllerConfig, parseControllerConfig } from './config.js';
import { createPoolMetrics } from './kubernetes/pool-metrics.js';
import { leadWhenElected, type Role } from './leader/lead.js';
import type { Leadership } from './leader/leadership.js';
import { Health } from './metrics/health.js';
import { createMetrics } from './metrics/metrics.js';
import { serveMetrics } from './metrics/serve-metrics.js';

/**
 * Entry of a controller process in a cluster. stderr is its log, one JSON text a line. Exit codes: 0 after a signal, 78 for
 * settings that must be mended, 75 for everything that may pass: whoever runs it starts it again.
 */
async function main(): Promise<number> {
  const config = parseControllerConfig(process.env);
  const destination = pino.destination({ fd: 2, sync: true }); // lines must survive process.exit
  const logger = pino(
    { name: 'controller', level: config.logLevel, base: { controller: config.controllerId } },
    destination,
  );
  const asked = untilSignalled(logger, config.shutdownGraceMs);
  const metrics = createMetrics();
  // A renewal or a try at the election comes at least every second; the reconciler every quarter of an ack wait.
  // A silent watch is cut after 150 s and everything is listed again: 300 s without a sign are two rounds that failed.
  const health = new Health({ pulseMs: 4 * config.ackWaitMs, contactMs: 10_000, watchMs: 300_000 });
  const server = await serveMetrics(config.metricsPort, { registry: metrics.registry, health });
  logger.info({ port: server.port }, 'serves metrics and health');
  const poolMetrics = createPoolMetrics(metrics.registry);
  const parts = { ...(await openParts(config, logger, health)), metrics, poolMetrics, health };
  try {
    const standing = {
      bucket: parts.messaging.state.bucket('leader'),
      messaging: parts.messaging,
      identity: config.controllerId,
      clock: systemClock,
      logger,
      onContact: () => health.contact(),
      onRole(role: Role) {
        metrics.role(role);
        health.role(role);
      },
      lead: (leadership: Leadership, signal: AbortSignal) => startLeading(parts, leadership, signal),
    };
    await leadWhenElected(standing, AbortSignal.any([asked, parts.messaging.closed]));
    if (!asked.aborted) throw parts.messaging.closed.reason;
    return 0;
  } finally {
    await parts.messaging.close();
    parts.objects.close();
    await server.close();
  }
}

/** Connections and stores, for the life of the process; opened at once, because a standby is one only when both are. */
async function openParts(
  config: ControllerConfig,
  logger: ClusterParts['logger'],
  health: Health,
): Promise<Omit<ClusterParts, 'metrics' | 'health' | 'poolMetrics'>> {
  const options = {
    ...config.nats,
    role: 'controller',
    identity: config.identity,
    settings: config.streams,
    report: (problem: Error) => logger.warn({ err: problem }, 'NATS'),
  } as const;
  const [objects, prepared] = await Promise.all([
    openStore(config.objects, logger, () => health.pulse()),
    prepareNats({ ...options, classes: config.classes }),
  ]);
  logger.info(objects.facts, 'object store open');
  logger.info(prepared, 'NATS prepared');
  const messaging = await connectNats(options);
  return { config, messaging, objects, logger, version: ownVersion(), natsVersion: prepared.serverVersion };
}

function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`${lastWordsOf(error)}\n`);
  process.exit(exitCodeOfProcess(error));
}
