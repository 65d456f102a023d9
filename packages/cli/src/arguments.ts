import { Args, Flags } from '@oclif/core';
import { variableOf } from './flags.js';

/** A sweep as an argument. */
export const sweepArgument = Args.string({
  required: true,
  description: 'Id of the sweep, or the beginning of it; `adctl sweeps list` prints them.',
});

/** A trial as an argument. */
export const trialArgument = Args.string({
  required: true,
  description: 'Id of the trial, or the beginning of it; `adctl trials list` prints them.',
});

/** `--sweep`, for commands where it narrows things down. */
export const sweepFlag = Flags.string({
  summary: 'Only this sweep: its id, or the beginning of it.',
  env: variableOf('sweep'),
  helpValue: 'SWEEP',
});

/** A sweep file as an argument. */
export const sweepFileArgument = Args.string({
  required: true,
  description: 'The sweep file (YAML); - reads it from stdin.',
});

/** `--set key=value`, on every command that reads a sweep file. */
export const setFlag = Flags.string({
  summary: 'Set a value of the file, e.g. --set train.preset=paper; may be given several times.',
  env: variableOf('set'),
  helpValue: 'KEY=VALUE',
  multiple: true,
  multipleNonGreedy: true,
});

/** Flags of the commands that may start workers of their own. */
export const workerFlags = {
  slots: Flags.integer({
    summary: 'Trials that run at the same time in this process. Default: the CPU cores.',
    env: variableOf('slots'),
    min: 1,
    helpValue: 'NUMBER',
  }),
  threads: Flags.integer({
    summary: 'TensorFlow threads of each trial. Default: 1.',
    env: variableOf('threads'),
    min: 1,
    helpValue: 'NUMBER',
  }),
  flavour: Flags.option({ options: ['cpu', 'gpu'] as const })({
    summary: 'Which TensorFlow engine trains. Default: cpu, or the one of a controller that runs already.',
    env: variableOf('flavour'),
  }),
};

/** A data set as an argument. */
export const datasetArgument = Args.string({
  required: true,
  description: 'Name of the data set; `adctl datasets list` prints them.',
});
