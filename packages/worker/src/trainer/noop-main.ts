import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as letOthersRun, setTimeout as wait } from 'node:timers/promises';
import { AdctlError, toFailure } from '@adctl/protocol';
import { z } from 'zod';
import type { StartTrial, TrainerEnd, TrialOutcome } from '../trainer-messages.js';
import { parseTrainerArguments } from './arguments.js';
import { serveTrials, type TrialReporter } from './session.js';
import type { StopRequest } from './train.js';

/**
 * Hyperparameters of the method that computes nothing. It exists for tests and benchmarks of everything around training;
 * no registry lists it, and only a worker configured with `trainer: noop` runs it.
 */
const NoopHyperparameters = z.object({
  epochs: z.int().min(1).default(1),
  /** A timer waits a millisecond at least; the first epoch with 0 waits for nothing. */
  epochMs: z.number().min(0).default(0),
  /** What goes wrong in epoch `failEpoch` of attempts up to `failAttempts`. */
  failure: z.enum(['none', 'throw', 'exit', 'abort', 'kill', 'hang', 'diverge', 'oom']).default('none'),
  failAttempts: z.int().min(0).default(Number.MAX_SAFE_INTEGER),
  failEpoch: z.int().min(1).default(1),
  exitCode: z.int().min(0).max(255).default(1),
  /** The selection and test AUROC it reports. */
  auroc: z.number().min(0).max(1).default(0.5),
});
type NoopHyperparameters = z.infer<typeof NoopHyperparameters>;

/** The whole state of a noop training. */
const NoopState = z.object({ epoch: z.int(), attempts: z.array(z.int()) });
type NoopState = z.infer<typeof NoopState>;
const STATE_FILE = 'state.json';

await serveTrials(async () => {
  const { threads } = parseTrainerArguments(process.argv.slice(2));
  const platform = `${process.platform}-${process.arch}`;
  return {
    engine: { backend: 'none', tensorflow: 'none', gpu: false, threads, node: process.version, platform },
    countTensors: () => 0,
    run: (start, report, stop) => runNoop(start, report, stop, threads),
  };
});

async function runNoop(
  start: StartTrial,
  report: TrialReporter,
  stop: AbortSignal,
  threads: number,
): Promise<TrainerEnd> {
  const startedAt = performance.now();
  try {
    const h = NoopHyperparameters.parse(start.spec.hyperparameters);
    const state = await readState(start);
    const checkpoint = createCheckpoints(start, report, threads, state.epoch);
    while (state.epoch < h.epochs) {
      if (state.epoch === 0 && h.epochMs === 0) await letOthersRun();
      else await wait(h.epochMs, undefined, { signal: stop }).catch(() => undefined); // stopped: seen below
      if (stop.aborted) {
        if ((stop.reason as StopRequest).checkpoint) await checkpoint(state);
        return { kind: 'stopped' };
      }
      const diverged =
        start.attempt <= h.failAttempts && state.epoch + 1 === h.failEpoch ? await fail(h, report) : null;
      if (diverged !== null) return diverged;
      state.epoch += 1;
      if (h.epochs > 1) tell(report, state.epoch, h);
      if (h.epochs > 1 && start.checkpointSeconds === 0) await checkpoint(state);
    }
    const seconds = (performance.now() - startedAt) / 1000;
    return { kind: 'finished', outcome: completed(h, state, seconds) };
  } catch (error) {
    return { kind: 'failed', failure: toFailure(error) };
  }
}

/** Goes wrong as asked; the value of a divergence, which is an expected ending. */
async function fail(
  { failure, exitCode, failEpoch }: NoopHyperparameters,
  report: TrialReporter,
): Promise<TrainerEnd | null> {
  if (failure === 'none') return null;
  report.log('warn', `Goes wrong now: ${failure}.`);
  await wait(5); // lets the words out
  switch (failure) {
    case 'throw':
      throw new AdctlError('The noop method failed, as it was asked to.', { code: 'noop_failed', kind: 'permanent' });
    case 'oom':
      throw new Error('OOM when allocating tensor with shape[1] on device:CPU:0 by allocator cpu');
    case 'exit':
      process.exit(exitCode);
      return null;
    case 'abort':
      process.abort();
      return null;
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      return await new Promise(() => undefined);
    case 'hang':
      while (true) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    case 'diverge': {
      const ending = { state: 'diverged', reason: `loss 'none' is not finite in epoch ${failEpoch}` } as const;
      return { kind: 'finished', outcome: { ending, seconds: { train: 0, total: 0 }, artifacts: [] } };
    }
  }
}

function tell(report: TrialReporter, epoch: number, { epochs, auroc }: NoopHyperparameters): void {
  report.epoch(epoch, { 'selection.auroc': auroc, 'selection.loss': 1 / epoch });
  report.progress({ stage: 'training', epoch, epochs, step: epoch, steps: epochs, losses: {} });
}

async function readState({ resumeFrom, attempt }: StartTrial): Promise<NoopState> {
  if (resumeFrom === undefined) return { epoch: 0, attempts: [attempt] };
  const state = NoopState.parse(JSON.parse(await readFile(join(resumeFrom.directory, STATE_FILE), 'utf8')));
  return { ...state, attempts: [...state.attempts, attempt] };
}

/** Writes checkpoints, one an epoch at most. */
function createCheckpoints({ directory }: StartTrial, report: TrialReporter, threads: number, resumedEpoch: number) {
  let last = resumedEpoch;
  return async (state: NoopState) => {
    const { epoch } = state;
    if (epoch === last) return;
    last = epoch;
    const folder = join(directory, `checkpoint-${epoch}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, STATE_FILE), JSON.stringify(state));
    report.checkpoint({ directory: folder, files: [STATE_FILE], epoch, step: epoch, threads });
  };
}

/** `steps` counts the attempts that trained, so that tests see whether one resumed. */
function completed({ epochs, auroc }: NoopHyperparameters, { attempts }: NoopState, seconds: number): TrialOutcome {
  return {
    ending: { state: 'completed' },
    selection: { auroc, loss: 1 - auroc },
    test: {
      auroc,
      averagePrecision: auroc,
      f1Max: auroc,
      f1MaxThreshold: 0,
      fprAt95Tpr: 1 - auroc,
      aurocImageInterval: [auroc, auroc],
      normalImages: 1,
      anomalousImages: 1,
    },
    keptEpoch: epochs,
    epochs,
    steps: attempts.length,
    parameters: 0,
    seconds: { train: seconds, total: seconds },
    artifacts: [],
  };
}
