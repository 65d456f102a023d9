import { z } from 'zod';
import { AdctlError, type ErrorKind } from './errors.js';

export const ErrorKindSchema = z.enum(['user', 'transient', 'permanent', 'bug']);

/** How an error looks on the wire. */
export interface Failure {
  code: string;
  kind: ErrorKind;
  message: string;
  hint?: string | undefined;
  details: Record<string, unknown>;
  /** Only for bugs. */
  stack?: string | undefined;
  cause?: Failure | undefined;
}

export const Failure: z.ZodType<Failure> = z.object({
  code: z.string(),
  kind: ErrorKindSchema,
  message: z.string(),
  hint: z.string().optional(),
  details: z.record(z.string(), z.unknown()),
  stack: z.string().optional(),
  get cause() {
    return Failure.optional();
  },
});

/** Turns anything thrown into a Failure; what is not an AdctlError is a bug and keeps its stack. */
export function toFailure(error: unknown): Failure {
  if (error instanceof AdctlError) {
    return {
      code: error.code,
      kind: error.kind,
      message: error.message,
      hint: error.hint,
      details: { ...error.details },
      ...(error.kind === 'bug' ? { stack: error.stack } : {}),
      ...(error.cause === undefined ? {} : { cause: toFailure(error.cause) }),
    };
  }
  if (error instanceof Error) {
    return {
      code: 'unexpected',
      kind: 'bug',
      message: error.message,
      details: {},
      stack: error.stack,
      ...(error.cause === undefined ? {} : { cause: toFailure(error.cause) }),
    };
  }
  return { code: 'unexpected', kind: 'bug', message: String(error), details: {} };
}

/** Rebuilds an AdctlError from the wire, for throwing on the near side. */
export function fromFailure(failure: Failure): AdctlError {
  const error = new AdctlError(failure.message, {
    code: failure.code,
    kind: failure.kind,
    hint: failure.hint,
    details: failure.details,
    ...(failure.cause === undefined ? {} : { cause: fromFailure(failure.cause) }),
  });
  if (failure.stack !== undefined) error.stack = failure.stack;
  return error;
}
