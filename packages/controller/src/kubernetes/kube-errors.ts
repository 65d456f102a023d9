import { AdctlError, type ErrorKind } from '@adctl/protocol';
import { z } from 'zod';

/** How the API server says no. */
export const Status = z.object({
  kind: z.literal('Status'),
  message: z.string().default(''),
  reason: z.string().optional(),
  code: z.int().optional(),
  details: z
    .object({ causes: z.array(z.object({ field: z.string().optional(), message: z.string().optional() })).optional() })
    .nullish(),
});
export type Status = z.infer<typeof Status>;

/** What was asked. */
export interface Asked {
  readonly verb: string;
  readonly path: string;
}

/** Status codes after which the same request may succeed. */
const PASSING: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
/** The request itself is wrong: unknown fields, bad values. */
const WRONG: ReadonlySet<number> = new Set([400, 415, 422]);

/** Thrown when the API server answers with an error; `details.status` and `details.reason` are its own. */
export function statusError(asked: Asked, httpStatus: number, status: Status | null): AdctlError {
  const code = status?.code ?? httpStatus;
  const words = status === null || status.message === '' ? `HTTP status ${code}` : status.message;
  return new AdctlError(`Kubernetes refused to ${asked.verb} ${asked.path}: ${words}`, {
    code: 'kubernetes_refused',
    kind: kindOf(code),
    hint: hintOf(code),
    details: { ...asked, status: code, reason: status?.reason ?? '' },
  });
}

/** Thrown when no answer came: no connection, cut off, or too slow. */
export function unreachableError(asked: Asked, cause: unknown): AdctlError {
  return new AdctlError(`the Kubernetes API server did not answer when asked to ${asked.verb} ${asked.path}`, {
    code: 'kubernetes_unreachable',
    kind: 'transient',
    hint: 'It is asked again by itself; see whether the API server can be reached from here.',
    details: { ...asked },
    cause,
  });
}

function kindOf(code: number): ErrorKind {
  if (PASSING.has(code) || code === 409 || code === 410) return 'transient';
  return WRONG.has(code) ? 'user' : 'permanent';
}

function hintOf(code: number): string | undefined {
  if (code === 401) return 'The token is not accepted; see the service account or the kubeconfig.';
  if (code === 403)
    return "See the Role of the controller's service account, quotas and Pod Security of the namespace.";
  return WRONG.has(code) ? 'Correct the pool.' : undefined;
}

/** The status code an error came with; undefined for one without answer, or of another origin. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof AdctlError) || error.code !== 'kubernetes_refused') return undefined;
  return z.number().parse(error.details.status);
}

const reasonOf = (error: unknown) => (error instanceof AdctlError ? error.details.reason : undefined);

export const isAlreadyExists = (error: unknown) => statusOf(error) === 409 && reasonOf(error) === 'AlreadyExists';
export const isConflict = (error: unknown) => statusOf(error) === 409;
export const isNotFound = (error: unknown) => statusOf(error) === 404;
/** A resource version or a page is too old: list again. */
export const isExpired = (error: unknown) => statusOf(error) === 410;
/** Whether the same request may succeed later. */
export const mayPass = (error: unknown) => {
  const status = statusOf(error);
  if (status !== undefined) return PASSING.has(status);
  return error instanceof AdctlError && error.code === 'kubernetes_unreachable';
};
