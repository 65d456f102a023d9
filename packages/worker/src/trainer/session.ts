import type { EngineFacts, LogLine } from '@adctl/protocol';
import { toFailure } from '@adctl/protocol';
import type {
  FromTrainer,
  StartTrial,
  ToTrainer,
  TrainerEnd,
  TrainerHealth,
  TrainerProgress,
  WrittenCheckpoint,
} from '../trainer-messages.js';
import type { StopRequest, TrainReport } from './train.js';

/** Where a trial says what happens to it. */
export interface TrialReporter extends TrainReport {
  progress(progress: TrainerProgress): void;
  checkpoint(checkpoint: WrittenCheckpoint): void;
  log(level: LogLine['level'], message: string): void;
}

/** What a training process does with trials. */
export interface TrialRunner {
  readonly engine: EngineFacts;
  /** Runs one trial to its end; failures are values. `stop` is aborted with a `StopRequest` as its reason. */
  run(start: StartTrial, report: TrialReporter, stop: AbortSignal): Promise<TrainerEnd>;
  /** Tensors alive now. */
  countTensors(): number;
}

/** Exit code of a process that can never train; it has said why on the channel. */
const UNUSABLE_EXIT_CODE = 78;

/**
 * The shell of a training process: one trial at a time, told over the IPC channel, until the parent goes away.
 *
 * - SIGINT and SIGTERM are ignored. A terminal sends Ctrl-C to every process of its group, and service managers send
 *   SIGTERM likewise; the supervisor decides what happens to a trial in progress.
 * - A closed channel means that the supervisor is gone, and with it the claim: the process ends at once.
 *
 * @param load makes the runner; what it throws is reported as `unusable`.
 */
export async function serveTrials(load: () => Promise<TrialRunner>): Promise<void> {
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  process.on('SIGTERM', ignore);
  process.on('disconnect', () => process.exit(0));

  let runner: TrialRunner;
  try {
    runner = await load();
  } catch (error) {
    await send({ type: 'unusable', failure: toFailure(error) });
    process.exit(UNUSABLE_EXIT_CODE);
  }

  let stop = new AbortController();
  let trials = 0;
  let tensorsBetweenTrials = runner.countTensors();
  const run = async (start: StartTrial) => {
    stop = new AbortController();
    const end = await runner.run(start, createReporter(), stop.signal);
    trials += 1;
    const tensors = runner.countTensors();
    const health: TrainerHealth = {
      trials,
      tensors,
      leakedTensors: Math.max(0, tensors - tensorsBetweenTrials),
      rssBytes: process.memoryUsage.rss(),
    };
    tensorsBetweenTrials = tensors;
    await send({ type: 'ended', end, health });
  };
  process.on('message', (message: ToTrainer) => {
    if (message.type === 'start') void run(message);
    else stop.abort({ checkpoint: message.checkpoint } satisfies StopRequest);
  });
  await send({ type: 'ready', engine: runner.engine });
}

function createReporter(): TrialReporter {
  return {
    progress: (progress) => void send({ type: 'progress', progress }),
    epoch: (epoch, row) => void send({ type: 'epoch', epoch, row }),
    checkpoint: (checkpoint) => void send({ type: 'checkpoint', checkpoint }),
    log: (level, message) => void send({ type: 'log', level, message }),
  };
}

/** Hands a message to the channel. A channel that is closed has its own consequence, see `serveTrials`. */
function send(message: FromTrainer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (process.send === undefined || !process.connected) resolve();
  else process.send(message, () => resolve());
  return promise;
}
