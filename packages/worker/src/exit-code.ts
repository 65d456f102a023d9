import { AdctlError, WORKER_EXIT_CODES } from '@adctl/protocol';

/** Failures in a row of queue or training process, for reasons that may pass, after which a worker gives up. */
const MOST_TROUBLE = 5;

/** Nobody answers, or no controller has been there yet: waiting helps, and has a limit of its own. */
export function isUnreachable(error: unknown): boolean {
  const codes = [
    'controller_unreachable',
    'nats_not_prepared',
    'nats_timeout',
    'nats_no_responders',
    'nats_disconnected',
  ];
  return error instanceof AdctlError && codes.includes(error.code);
}

/** A message of another version was handed out: it is given back for a worker that understands it, and nothing is wrong here. */
export function isForAnotherVersion(error: unknown): boolean {
  return error instanceof AdctlError && error.code === 'queue_message_not_understood';
}

/**
 * What ends a worker at once, by exit code; null for what may pass.
 * @param trouble failures in a row, this one included
 */
export function exitCodeOf(error: unknown, trouble: number): number | null {
  if (error instanceof AdctlError && error.code === 'gpu_not_seen') return WORKER_EXIT_CODES.gpuNotSeen;
  if (error instanceof AdctlError && error.kind === 'user') return WORKER_EXIT_CODES.badConfiguration;
  return trouble >= MOST_TROUBLE ? WORKER_EXIT_CODES.temporary : null;
}
