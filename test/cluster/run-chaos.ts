/**
 * The whole chaos run: 2,000 short trials, at least four workers, a lease of 3 s.
 *
 *   node test/cluster/run-chaos.ts [TRIALS] [CONTROLLER-KILLS] [NATS-RESTARTS] [SEED] [CONTROLLERS] [1|3 NATS-SERVERS]
 *     needs a built tree
 *
 * Prints the report as JSON; exit code 0 when object store, records and events agree on one result a trial.
 */
import { runChaos } from './chaos.ts';

const [trials = 2_000, controllerKills = 100, natsRestarts = 5, seed = 1, controllers = 2, natsServers = 1] =
  process.argv.slice(2).map(Number);
const report = await runChaos(
  {
    trials,
    workers: 4,
    slots: 2,
    controllers,
    controllerKills,
    workerKillEveryMs: 1_000,
    natsServers: natsServers === 3 ? 3 : 1,
    natsRestarts,
    refuse: 0.3,
    ackWaitMs: 3_000,
    epochs: 150,
    seed,
  },
  (line) => console.error(line),
);
console.log(JSON.stringify(report, null, 2));
process.exitCode = report.audit.problems.length === 0 ? 0 : 1;
