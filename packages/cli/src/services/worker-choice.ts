import { type AdctlError, type ControllerStatus, userError } from '@adctl/protocol';
import { counted } from '../render/values.js';

/** Which TensorFlow engine trains: also the class of workers on one machine. */
export type Flavour = 'cpu' | 'gpu';

/** How many trainings run at once, with what; undefined where the deployment chooses. */
export interface WorkerChoice {
  readonly slots: number | undefined;
  readonly threads: number | undefined;
  readonly flavour: Flavour | undefined;
}

/** The choice of a command that starts the workers itself. */
export type OwnWorkerChoice = WorkerChoice & { readonly flavour: Flavour };

/**
 * Compares what a person asked for with the workers that a running controller has.
 *
 * @returns warnings about what has no effect there
 * @throws AdctlError user `flavour_unavailable`: nobody who asks for a GPU may wait days for a CPU
 */
export function checkChoice(choice: WorkerChoice, status: ControllerStatus): string[] {
  return status.deployment === 'cluster' ? checkCluster(choice) : checkFolder(choice, status);
}

/** Thrown for a sweep that was begun with workers of another flavour than there are: it would wait for ever. */
export function sweepOfOtherFlavour(sweep: string, begun: string, own: Flavour): AdctlError {
  return userError(
    'flavour_unavailable',
    `Sweep ${sweep} was begun with --flavour ${begun}; the workers here are ${own}.`,
    {
      hint: `The same command with --flavour ${begun} continues it; with --fresh it is a new sweep.`,
      details: { sweep, begun, own },
    },
  );
}

function checkCluster({ flavour, slots, threads }: WorkerChoice): string[] {
  if (flavour !== undefined) {
    throw userError(
      'flavour_unavailable',
      `--flavour ${flavour} does not choose the workers of a cluster: its pools do.`,
      {
        hint: 'Name a pool under resources.pool in the sweep file, or train on this machine with --local.',
        details: { flavour },
      },
    );
  }
  return warnings({ slots, threads }, 'what the workers of a cluster have, their pools say');
}

function checkFolder(
  { flavour, slots, threads }: WorkerChoice,
  { pid, workers, ...status }: ControllerStatus,
): string[] {
  const [worker] = workers;
  if (flavour !== undefined && worker !== undefined && worker.class !== flavour) {
    throw userError(
      'flavour_unavailable',
      `The controller that runs in this folder, process ${pid}, trains on ${worker.class}, not on ${flavour}.`,
      {
        hint: `Leave --flavour away, stop that controller first, or name another --directory.`,
        details: { flavour, running: worker.class, pid },
      },
    );
  }
  const known = worker?.engine?.threads;
  const differing = {
    slots: slots === status.slots ? undefined : slots,
    threads: known === undefined || threads === known ? undefined : threads,
  };
  const has = [counted(status.slots, 'slot'), ...(known === undefined ? [] : [counted(known, 'thread')])].join(', ');
  return warnings(differing, `the controller that runs in this folder, process ${pid}, has ${has}`);
}

function warnings(without: Pick<WorkerChoice, 'slots' | 'threads'>, because: string): string[] {
  return Object.entries(without).flatMap(([name, value]) =>
    value === undefined ? [] : [`Warning: --${name} ${value} has no effect: ${because}.`],
  );
}
