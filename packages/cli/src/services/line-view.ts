import type { TrialProgress } from '@adctl/protocol';
import { endedLine, progressWords, totalsLine, trialName } from '../render/progress.js';
import { PLAIN } from '../render/style.js';
import type { ProgressView } from './follow-sweep.js';

/** Least seconds between two progress lines of one trial. */
const QUIET_SECONDS = 5;

/**
 * Progress for files and pipes: one line an epoch of each trial, at most every few seconds, and one line for each trial that
 * ends, with the totals after it.
 *
 * @param now seconds on any clock
 */
export function createLineView(write: (line: string) => void, now: () => number): ProgressView {
  const told = new Map<string, { readonly mark: string; readonly at: number }>();
  const dueNow = (progress: TrialProgress) => {
    const mark = `${progress.attempt} ${progress.stage} ${progress.epoch}`;
    const before = told.get(progress.trial);
    if (before !== undefined && (before.mark === mark || now() - before.at < QUIET_SECONDS)) return false;
    told.set(progress.trial, { mark, at: now() });
    return true;
  };
  return {
    update(progress, differences) {
      for (const { trial, progress: newest } of progress.running) {
        if (newest === undefined || !dueNow(newest)) continue;
        write(`${trial.trial}  ${trialName(trial, differences.get(trial.trial) ?? {})}  ${progressWords(newest)}`);
      }
    },
    ended(trial, differences) {
      write(endedLine(trial, differences, PLAIN));
    },
    left(progress) {
      write(totalsLine(progress));
    },
    say: write,
    close() {
      told.clear();
    },
  };
}
