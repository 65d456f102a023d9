import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha256 } from '@adctl/protocol';
import { commitCheckpoint, pruneCheckpoints, type UnfinishedUploads } from '@adctl/storage';
import { type Attempt, ClaimLost, type SlotContext } from './attempt.js';
import type { AttemptOutput } from './attempt-output.js';
import { retryTransient } from './retry.js';
import type { WrittenCheckpoint } from './trainer-messages.js';

/** What the training process wrote, with the digest of the code that trained it. */
export type TrainedCheckpoint = WrittenCheckpoint & { readonly codeVersion: Sha256 };

type CommitContext = Pick<SlotContext, 'objects' | 'clock' | 'onCheckpoint'>;
type CommittingAttempt = Pick<Attempt, 'number' | 'lost'> & {
  readonly record: Pick<Attempt['record'], 'sweep' | 'trial'>;
};

/** Commits an attempt's checkpoints to the object store, one at a time. */
export interface CheckpointCommitter {
  /** Queues a checkpoint; one that still waits is passed over, because the newer one replaces it. */
  add(checkpoint: TrainedCheckpoint): void;
  /** Waits until everything queued is committed. @throws what committing threw, `ClaimLost` included. */
  settle(): Promise<void>;
}

/**
 * The local copy of a checkpoint is removed only once its manifest is committed.
 * @param failed called when a checkpoint can never be committed: training on would risk everything since the last one.
 */
export function createCheckpointCommitter(
  context: CommitContext,
  attempt: CommittingAttempt,
  output: Pick<AttemptOutput, 'log'>,
  failed: () => void,
): CheckpointCommitter {
  let waiting: TrainedCheckpoint | null = null;
  let working: Promise<void> | null = null;

  const commit = async (checkpoint: TrainedCheckpoint) => {
    const beganMs = context.clock.now();
    const unfinished: UnfinishedUploads = new Map();
    const bytes = await retryTransient(() => commitOnce(context, attempt, checkpoint, unfinished), {
      clock: context.clock,
      signal: attempt.lost,
    });
    context.onCheckpoint({ seconds: Math.max(0, context.clock.now() - beganMs) / 1000, bytes });
    await rm(checkpoint.directory, { recursive: true, force: true });
    output.log('debug', `Checkpoint after epoch ${checkpoint.epoch}, step ${checkpoint.step}, is committed.`);
  };
  const work = async () => {
    while (waiting !== null) {
      const checkpoint = waiting;
      waiting = null;
      await commit(checkpoint);
    }
  };
  return {
    add(checkpoint) {
      const passedOver = waiting;
      waiting = checkpoint;
      if (passedOver !== null) void rm(passedOver.directory, { recursive: true, force: true });
      if (working !== null) return;
      const running = work().then(() => {
        working = null;
      });
      running.catch(failed); // what it was is told by `settle`
      working = running;
    },
    async settle() {
      while (working !== null) await working;
    },
  };
}

/** @returns the bytes of its files. */
async function commitOnce(
  { objects }: CommitContext,
  attempt: CommittingAttempt,
  checkpoint: TrainedCheckpoint,
  unfinished: UnfinishedUploads,
): Promise<number> {
  const { sweep, trial } = attempt.record;
  const { directory, epoch, step, threads, codeVersion } = checkpoint;
  const files = await Promise.all(
    checkpoint.files.map(async (name) => ({ name, content: await readFile(join(directory, name)) })),
  );
  const { fencedBy } = await commitCheckpoint(objects, {
    sweep,
    trial,
    attempt: attempt.number,
    epoch,
    step,
    threads,
    codeVersion,
    files,
    signal: attempt.lost,
    unfinished,
  });
  if (fencedBy !== undefined) throw new ClaimLost('fenced');
  await pruneCheckpoints(objects, { sweep, trial, attempt: attempt.number });
  return files.reduce((sum, { content }) => sum + content.byteLength, 0);
}
