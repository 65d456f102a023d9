import type { ControllerClient } from './controller-client.js';
import type { PastTrial } from './plan-method.js';

const MOST_READ = 200;

/** Trials of this folder that were trained to the end, newest first; reused ones took no time and say nothing. */
export async function readPastTrials(client: ControllerClient): Promise<PastTrial[]> {
  const trials = await client.request('trials.list', { states: ['completed'], limit: MOST_READ });
  return trials
    .flatMap((trial) => {
      const { startedAt, finishedAt, reusedFrom } = trial;
      if (startedAt === undefined || finishedAt === undefined || reusedFrom !== undefined) return [];
      const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
      return [
        { trial: trial.trial, method: trial.method, hyperparameters: trial.hyperparameters, seconds, finishedAt },
      ];
    })
    .sort((a, b) => b.finishedAt.localeCompare(a.finishedAt));
}
