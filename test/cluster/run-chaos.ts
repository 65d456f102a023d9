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
import { z } from 'zod';
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
/** Of a setting; a word in its place ends the run before it begins. */
const number = (text: string) => z.coerce.number().int().nonnegative().parse(text);
const report = await runChaos(
  {
    trials: number(flags.trials),
    workers: number(flags.workers),
    slots: 2,
    controllers: number(flags.controllers),
    controllerKills: number(flags['controller-kills']),
    workerKillEveryMs: 1_000,
    natsServers: z.union([z.literal(1), z.literal(3)]).parse(number(flags['nats-servers'])),
    natsRestarts: number(flags['nats-restarts']),
    refuse: 0.3,
    ackWaitMs: 3_000,
    epochs: number(flags.epochs),
    seed: number(flags.seed),
  },
  (line) => console.error(line),
);
console.log(JSON.stringify(report, null, 2));
process.exitCode = report.audit.problems.length === 0 ? 0 : 1;
