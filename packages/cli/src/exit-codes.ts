import { EXIT_CODES } from '@adctl/protocol';

/** Exit codes with their meaning, as `--help` and the documentation print them. */
export const EXIT_CODE_TABLE: readonly (readonly [string, string])[] = [
  [String(EXIT_CODES.done), 'done'],
  [String(EXIT_CODES.someTrialsFailed), 'some trials or checks failed'],
  [String(EXIT_CODES.badInput), 'bad input: mend it and run the same command again'],
  [String(EXIT_CODES.bug), 'a bug in adctl: please report it'],
  [String(EXIT_CODES.tryAgainLater), 'try again later'],
  [String(EXIT_CODES.interrupted), 'interrupted; the same command continues'],
];
