/**
 * Whose move an error is; the kind alone decides what happens next (house rule: nothing matches on message text).
 *
 * - `user`: fix the input. The queue terminates the message; the CLI prints message and hint, no stack.
 * - `transient`: wait. Retried later with backoff.
 * - `permanent`: an operator must act. The trial fails.
 * - `bug`: ours. Reported with its stack.
 */
export type ErrorKind = 'user' | 'transient' | 'permanent' | 'bug';

export interface AdctlErrorOptions {
  /** Stable, documented, lower snake case; tests and metrics use it. */
  readonly code: string;
  readonly kind: ErrorKind;
  /** What the reader should do next, an imperative sentence. */
  readonly hint?: string | undefined;
  /** JSON-safe facts for machines: paths, keys, sizes. Never secrets. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** Every expected error of adctl. Anything else that is thrown is a bug. */
export class AdctlError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, options: AdctlErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AdctlError';
    this.code = options.code;
    this.kind = options.kind;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** Thrown for input that its author must mend. */
export function userError(
  code: string,
  message: string,
  options: Omit<AdctlErrorOptions, 'code' | 'kind'> = {},
): AdctlError {
  return new AdctlError(message, { ...options, code, kind: 'user' });
}

/** Exit codes of the CLI (design section 9), also printed by `--help`. */
export const EXIT_CODES = {
  done: 0,
  someTrialsFailed: 1,
  badInput: 2,
  bug: 70,
  tryAgainLater: 75,
  interrupted: 130,
} as const;

/** The CLI exit code an error of this kind ends with. */
export const EXIT_CODE_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  user: EXIT_CODES.badInput,
  transient: EXIT_CODES.tryAgainLater,
  permanent: EXIT_CODES.someTrialsFailed,
  bug: EXIT_CODES.bug,
};

/** Exit codes of a worker process, an API towards the controller and Kubernetes (design section 6). */
export const WORKER_EXIT_CODES = { idleOrDrained: 0, temporary: 75, gpuNotSeen: 77, badConfiguration: 78 } as const;
