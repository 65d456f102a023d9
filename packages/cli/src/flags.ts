import { Flags } from '@oclif/core';

/** The environment variable of a flag: `--idempotency-key` is `ADCTL_IDEMPOTENCY_KEY`. */
export function variableOf(flag: string): string {
  return `ADCTL_${flag.replaceAll('-', '_').toUpperCase()}`;
}

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Of commands that change a sweep. */
export const AS_ADMIN_FLAG = {
  'as-admin': Flags.boolean({
    summary: "Change somebody else's sweep, as an admin. Without it only the owner's own request is taken.",
    env: variableOf('as-admin'),
    default: false,
  }),
};

/** Flags of every command. */
export const GLOBAL_FLAGS = {
  json: Flags.boolean({
    summary: 'Print the answer (or the error) as JSON on stdout.',
    env: variableOf('json'),
    helpGroup: 'GLOBAL',
    default: false,
  }),
  directory: Flags.string({
    summary: 'Folder that holds the embedded deployment: records, checkpoints, results.',
    env: variableOf('directory'),
    default: '.adctl',
    helpValue: 'FOLDER',
    helpGroup: 'GLOBAL',
  }),
  context: Flags.string({
    summary: 'Talk to the cluster of this context instead of the one in use.',
    env: variableOf('context'),
    helpValue: 'NAME',
    helpGroup: 'GLOBAL',
  }),
  local: Flags.boolean({
    summary: 'Use the embedded deployment in the folder, whatever context is in use.',
    env: variableOf('local'),
    helpGroup: 'GLOBAL',
    default: false,
  }),
  'no-color': Flags.boolean({
    summary: 'Print no colours. NO_COLOR does the same.',
    env: variableOf('no-color'),
    helpGroup: 'GLOBAL',
    default: false,
  }),
  'log-level': Flags.option({ options: LOG_LEVELS })({
    summary: 'How much of the story stderr tells.',
    env: variableOf('log-level'),
    default: 'info',
    helpGroup: 'GLOBAL',
  }),
};
