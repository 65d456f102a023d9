import { AdctlError, WORKER_EXIT_CODES } from './errors.js';

/** The exit code of a controller or worker that an error ends: 78 when a person must act first, 75 when waiting may help. */
export function exitCodeOfProcess(error: unknown): number {
  const mustBeMended = error instanceof AdctlError && (error.kind === 'user' || error.kind === 'permanent');
  return mustBeMended ? WORKER_EXIT_CODES.badConfiguration : WORKER_EXIT_CODES.temporary;
}

/** Its last words: message, code and mend of an expected error; anything else with its stack. */
export function lastWordsOf(error: unknown): string {
  if (error instanceof AdctlError) {
    return [`${error.message} (${error.code})`, ...(error.hint === undefined ? [] : [error.hint])].join('\n');
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
