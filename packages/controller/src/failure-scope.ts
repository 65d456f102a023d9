import { AdctlError } from '@adctl/protocol';

/** Whether waiting may help. A controller that was superseded must stop instead. */
export function isPassing(error: unknown): boolean {
  return error instanceof AdctlError && error.kind === 'transient' && !isSuperseded(error);
}

/** The code of an expected error, for counting. */
export function codeOf(error: unknown): string {
  return error instanceof AdctlError ? error.code : 'unexpected';
}

export function isSuperseded(error: unknown): boolean {
  return error instanceof AdctlError && error.code === 'controller_superseded';
}

/** One stored thing is damaged, or written by another version. */
const UNREADABLE: ReadonlySet<string> = new Set([
  ...['sweep_unreadable', 'result_unreadable', 'attempt_unreadable', 'record_unreadable', 'object_damaged'],
  ...['index_unreadable', 'object_missing', 'object_outside_root'],
]);

/** Whether something stored cannot be read although the store answers. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof AdctlError && UNREADABLE.has(error.code);
}

/**
 * Whether the trial or sweep that was worked on is to blame, so that all others can go on: what is stored of it cannot be read,
 * or it met a mistake of ours. What a store refuses or does not answer concerns everybody.
 */
export function isPoison(error: unknown): boolean {
  if (!(error instanceof AdctlError)) return true;
  return isUnreadable(error) || error.kind === 'user' || error.kind === 'bug';
}
