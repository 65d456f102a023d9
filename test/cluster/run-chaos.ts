/**
 * The whole chaos run: short trials, a lease of 3 s, everything dies.
 *
 *   node test/cluster/run-chaos.ts [--trials 2000] [--workers 4] [--controllers 2] [--controller-kills 100]
 *                                  [--nats-servers 1|3] [--nats-restarts 5] [--epochs 150] [--seed 1]
 *
 * Needs a built tree. An epoch takes about a millisecond. Prints the report as JSON; exit code 0 when object store, records and
 * events agree on one result a trial.
 */
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.ts';

const { values: flags } = parseArgs({
  options: {
    trials: { type: 'string', default: '2000' },
    workers: { type: 'string', default: '4' },
    controllers: { type: 'string', default: '2' },
    'controller-kills': { type: 'string', default: '100' },
    'nats-servers': { type: 'string', default: '1' },
    'nats-restarts': { type: 'string', default: '5' },
    epochs: { type: 'string', default: '150' },
    seed: { type: 'string', default: '1' },
  },
});
const report = await runChaos(
  {
    trials: Number(flags.trials),
    workers: Number(flags.workers),
    slots: 2,
    controllers: Number(flags.controllers),
    controllerKills: Number(flags['controller-kills']),
    workerKillEveryMs: 1_000,
    natsServers: flags['nats-servers'] === '3' ? 3 : 1,
    natsRestarts: Number(flags['nats-restarts']),
    refuse: 0.3,
    ackWaitMs: 3_000,
    epochs: Number(flags.epochs),
    seed: Number(flags.seed),
  },
  (line) => console.error(line),
);
console.log(JSON.stringify(report, null, 2));
process.exitCode = report.audit.problems.length === 0 ? 0 : 1;
