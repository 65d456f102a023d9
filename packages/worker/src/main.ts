import { codeVersion } from '@adctl/engine/code-version';
import type { Messaging } from '@adctl/messaging';
import { METHODS } from '@adctl/methods';
import { digestOf, exitCodeOfProcess, lastWordsOf, WORKER_EXIT_CODES } from '@adctl/protocol';
import { openObjects } from '@adctl/storage';
import { type Logger, pino } from 'pino';
import { parseWorkerConfig, type WorkerConfig } from './config.js';
import { serveHealth } from './health.js';
import { prepareScratch, removeScratch } from './scratch.js';
import { createWorker } from './worker.js';

/** Entry of a worker process, embedded and in a cluster. stderr is its log, one JSON text a line. */
async function main(): Promise<number> {
  const config = parseWorkerConfig(process.env);
  const destination = pino.destination({ fd: 2, sync: true }); // lines must survive process.exit
  const logger = pino({ name: 'worker', level: config.logLevel, base: { worker: config.worker } }, destination);
  if (config.healthPort !== null) await serveHealth(config.healthPort, logger);
  const [objects, messaging] = await Promise.all([openObjects(config.objects), connect(config, logger)]);
  await prepareScratch(config.scratchDirectory, config.worker);
  const worker = createWorker({
    config,
    messaging,
    objects: objects.store,
    codeVersionOf: codeVersion,
    codeVersion: codeVersionOfAll(config),
    logger,
  });

  const endAtOnce = (why: string) => {
    logger.warn(why);
    worker.kill();
    process.exit(WORKER_EXIT_CODES.temporary);
  };
  let stopped = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopped) endAtOnce('asked twice to stop: ends at once');
    stopped = true;
    logger.info({ signal }, 'takes no more trials; those in progress checkpoint and go back');
    worker.drain();
    setTimeout(() => endAtOnce('the grace time is over: ends at once'), config.drainGraceMs).unref();
  };
  // Ctrl-C reaches every process of the terminal's group, so it must do the same as SIGTERM.
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);

  const code = await worker.run();
  await removeScratch(config.scratchDirectory, config.worker);
  await messaging.close();
  objects.close();
  return code;
}

/** The deployment's messaging; only its own library is loaded. */
async function connect({ deployment, worker }: WorkerConfig, logger: Logger): Promise<Messaging> {
  if (deployment.kind === 'embedded') {
    const { connectEmbedded, socketPathOf } = await import('@adctl/messaging/embedded');
    return connectEmbedded(socketPathOf(deployment.directory));
  }
  const { connectNats } = await import('@adctl/messaging/nats');
  const { nats, sharedIdentity } = deployment;
  return connectNats({
    ...nats,
    role: 'worker',
    identity: worker,
    // Permissions of a shared credential know its inboxes by its own name.
    ...(sharedIdentity === null ? {} : { inboxPrefix: `_INBOX_${sharedIdentity}.${worker}` }),
    report: (problem) => logger.warn({ err: problem }, 'NATS'),
  });
}

function codeVersionOfAll({ trainer }: WorkerConfig): string {
  return trainer.kind === 'noop' ? 'noop' : digestOf(METHODS.map(({ name }) => [name, codeVersion(name)]));
}

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`${lastWordsOf(error)}\n`);
  process.exit(exitCodeOfProcess(error));
}
