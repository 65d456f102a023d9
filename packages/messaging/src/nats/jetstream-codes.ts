import { AdctlError } from '@adctl/protocol';

/** JetStream's error numbers (`err_code`; nats-server, server/errors.json) that adctl tells apart. */
const JetStreamCode = {
  NO_SUITABLE_PEERS: 10005,
  CONSUMER_NOT_FOUND: 10014,
  NO_MESSAGE: 10037,
  SEQUENCE_NOT_FOUND: 10043,
  MESSAGE_DELETE_FAILED: 10057,
  STREAM_NOT_FOUND: 10059,
  WRONG_LAST_SEQUENCE: 10071,
  STORE_FAILED: 10077,
  STREAM_OFFLINE: 10118,
  CONSUMER_OFFLINE: 10119,
  WRONG_LAST_SEQUENCE_CONSTANT: 10164,
} as const;

const codeOf = (error: unknown): number =>
  error instanceof AdctlError && error.code === 'nats_api_error' ? Number(error.details.errCode) : 0;

export const isStreamMissing = (error: unknown): boolean => codeOf(error) === JetStreamCode.STREAM_NOT_FOUND;
export const isConsumerMissing = (error: unknown): boolean => codeOf(error) === JetStreamCode.CONSUMER_NOT_FOUND;
export const isMessageMissing = (error: unknown): boolean =>
  [JetStreamCode.NO_MESSAGE, JetStreamCode.SEQUENCE_NOT_FOUND, JetStreamCode.MESSAGE_DELETE_FAILED].some(
    (code) => code === codeOf(error),
  );
/** The compare-and-set of a publish lost. */
export const isWrongLastSequence = (error: unknown): boolean =>
  [JetStreamCode.WRONG_LAST_SEQUENCE, JetStreamCode.WRONG_LAST_SEQUENCE_CONSTANT].some(
    (code) => code === codeOf(error),
  );
/** The stream did not store the message: one of its limits (for jobs: one message a subject), or a full disk. */
export const isLimitReached = (error: unknown): boolean => codeOf(error) === JetStreamCode.STORE_FAILED;

/** The HTTP-like status of "no leader", and of "too much at once". */
const UNAVAILABLE = 503;

/** What JetStream's API answers instead of what was asked for. */
interface Refusal {
  readonly code: number;
  readonly err_code?: number | undefined;
}

/**
 * Whether an error of JetStream's API goes away by itself. Offline: the server that holds it is down, and may come back. No
 * suitable peers: fewer servers are up than copies are wanted, as in a cluster that is just starting.
 */
export const mendsItself = ({ code, err_code }: Refusal): boolean =>
  code === UNAVAILABLE ||
  err_code === JetStreamCode.STREAM_OFFLINE ||
  err_code === JetStreamCode.CONSUMER_OFFLINE ||
  err_code === JetStreamCode.NO_SUITABLE_PEERS;

/** What a person can do where waiting did not help. */
export const hintOf = ({ err_code }: Refusal): string | undefined =>
  err_code === JetStreamCode.NO_SUITABLE_PEERS
    ? 'Fewer NATS servers are up than copies are wanted: start them, or lower ADCTL_NATS_REPLICAS.'
    : undefined;

/** Failures of one attempt that the next attempt may not meet. */
export function isInterruption(error: unknown): boolean {
  return (
    error instanceof AdctlError &&
    error.kind === 'transient' &&
    !isLimitReached(error) &&
    ['nats_timeout', 'nats_no_responders', 'nats_disconnected', 'nats_api_error'].includes(error.code)
  );
}

/** Nobody answered in time, though somebody was there to ask. */
export const isTimeout = (error: unknown): boolean => error instanceof AdctlError && error.code === 'nats_timeout';
