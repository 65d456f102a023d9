import { stripVTControlCharacters } from 'node:util';
import { EXIT_CODE_OF_KIND, EXIT_CODES, type Failure, toFailure } from '@adctl/protocol';
import { Errors } from '@oclif/core';
import { isInterrupted } from './services/interrupts.js';

/** Where a person reports a bug of ours. */
export const REPORT_HINT =
  'This is a bug in adctl. Please report it with the lines above and the output of `adctl doctor --json`.';

/** Turns anything a command threw into a Failure; what oclif throws about flags and arguments is the user's to mend. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Errors.CLIError) {
    return { code: 'bad_usage', kind: 'user', message: stripVTControlCharacters(error.message), details: {} };
  }
  return toFailure(error);
}

/** The exit code a failure ends the command with. */
export function exitCodeOf(failure: Failure): number {
  return isInterrupted(failure) ? EXIT_CODES.interrupted : EXIT_CODE_OF_KIND[failure.kind];
}

/** oclif's own early exit (`this.exit(n)`), which is no error. */
export function isExit(error: unknown): error is Errors.ExitError {
  return error instanceof Errors.ExitError;
}
