import type { Running, Size } from './deployments.ts';
import { gapsOf, readResults, usageOf } from './figures.ts';
import { submitNoop, untilEnded } from './sweep.ts';

export interface Measured {
  readonly trialsPerSecond: number;
  /** Results read back from the store. */
  readonly stored: number;
  /** Size of one of them. */
  readonly resultBytes: number;
  readonly gapsMs: readonly number[];
  /** CPU of the controller's process a trial. */
  readonly controllerMs: number;
  /** CPU of all worker processes a trial, without their training processes; 0 where they are not known. */
  readonly workersMs: number;
}

/** So many trials, or eight in every slot, come first: V8 has compiled what runs often by then, and every training process has trained. */
const WARM_UP_TRIALS = 4_000;

/** Warms everything up, then runs a sweep of no-op trials and reads its results back. */
export async function measure(running: Running, size: Size, trials: number): Promise<Measured> {
  const { request, objects, controllerPid, workerPids } = running;
  const warmUp = await submitNoop(
    request,
    'warm-up',
    Math.max(Math.min(WARM_UP_TRIALS, trials), 8 * size.workers * size.slots),
  );
  await untilEnded(request, warmUp, { everyMs: 50 });
  const cpuOf = (pids: readonly number[]) => pids.reduce((sum, pid) => sum + usageOf(pid).cpuSeconds, 0);
  const before = { controller: cpuOf([controllerPid]), workers: cpuOf(workerPids) };
  const begin = performance.now();
  const accepted = await submitNoop(request, 'measured', trials);
  await untilEnded(request, accepted, { everyMs: 50 });
  const seconds = (performance.now() - begin) / 1000;
  const perTrial = (cpuSeconds: number) => (cpuSeconds * 1000) / trials;
  const controllerMs = perTrial(cpuOf([controllerPid]) - before.controller);
  const workersMs = perTrial(cpuOf(workerPids) - before.workers);
  const results = await readResults(objects, accepted.sweep);
  return {
    trialsPerSecond: trials / seconds,
    stored: results.length,
    resultBytes: Buffer.byteLength(JSON.stringify(results[0])),
    gapsMs: gapsOf(results),
    controllerMs,
    workersMs,
  };
}
