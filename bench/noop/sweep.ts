import { setTimeout as wait } from 'node:timers/promises';
import { type SweepAccepted, SweepSummary } from '@adctl/protocol';

/** Asks a controller, as the command line does. */
export type Request = (verb: string, payload: unknown) => Promise<unknown>;

/** A grid of that many trials, then one report trial. Workers must run with `NOOP_WORKER`. */
const sourceOf = (name: string, trials: number) => `
apiVersion: adctl/v1
kind: Sweep
name: ${name}
method: dae
dataset: { name: mnist, protocol: one-class, normal: ["8"] }
search:
  algorithm: grid
  space: { weightDecay: { range: { from: 1.0e-7, to: 1.0e-2, count: ${trials}, scale: log } } }
train: { preset: quick, hyperparameters: { epochs: 1 } }
seeds: { search: 1, report: 1, finalists: 1 }
resources: { pool: cpu }
limits: { maxTrials: ${trials + 1}, parallel: 1000 }
`;

/** Settings of a worker whose trials compute nothing: everything but training is real. */
export const NOOP_WORKER = {
  ADCTL_TRAINER: 'noop',
  ADCTL_TRAINER_TRIALS: '1000000',
  ADCTL_ALLOW_OTHER_CODE: '1',
} as const;

/** Submits a sweep of no-op trials. Needs MNIST in the cache of whoever controls (adctl datasets fetch mnist). */
export async function submitNoop(request: Request, name: string, trials: number): Promise<SweepAccepted> {
  return (await request('sweeps.submit', {
    version: 1,
    source: sourceOf(name, trials),
    file: 'noop.yaml',
    directory: '/',
    fresh: true,
    ifActive: 'join',
    priority: 'normal',
  })) as SweepAccepted;
}

/**
 * Resolves when the sweep is over.
 * @param onLook called with the trials completed so far.
 * @throws Error when it did not complete.
 */
export async function untilEnded(
  request: Request,
  { sweep }: Pick<SweepAccepted, 'sweep'>,
  { everyMs, onLook }: { readonly everyMs: number; readonly onLook?: (completed: number) => void },
): Promise<void> {
  for (;;) {
    const { state, counts, reason } = SweepSummary.parse(await request('sweeps.show', { sweep }));
    onLook?.(counts.completed ?? 0);
    if (state === 'completed') return;
    if (state === 'failed' || state === 'cancelled') throw new Error(`the sweep is ${state}: ${reason}`);
    await wait(everyMs);
  }
}
