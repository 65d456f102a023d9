import { AdctlError, type Failure } from '@adctl/protocol';

/** What Ctrl-C asked for: first to end well, then to end now. */
export interface Interrupts {
  /** Aborted at the first Ctrl-C (or SIGTERM): checkpoint, then end. */
  readonly gentle: AbortSignal;
  /** Aborted at the second: end at once. */
  readonly now: AbortSignal;
  /** Gives Ctrl-C its usual meaning back. */
  release(): void;
}

/** Where signals come from: `process`, or an emitter in tests. */
export interface SignalSource {
  on(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

/** Listens for Ctrl-C and SIGTERM until released. */
export function listenForInterrupts(source: SignalSource): Interrupts {
  const gentle = new AbortController();
  const now = new AbortController();
  const onSignal = () => (gentle.signal.aborted ? now : gentle).abort();
  source.on('SIGINT', onSignal);
  source.on('SIGTERM', onSignal);
  return {
    gentle: gentle.signal,
    now: now.signal,
    release() {
      source.off('SIGINT', onSignal);
      source.off('SIGTERM', onSignal);
    },
  };
}

/**
 * Waits for work that changes nothing, such as reading and hashing files, unless it is interrupted. The work itself then goes on:
 * who is interrupted ends the process.
 *
 * @throws AdctlError transient `interrupted` once the signal is aborted; whatever the work throws
 */
export async function unlessInterrupted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(interrupted());
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** @throws AdctlError transient `interrupted` when the signal is aborted */
export function refuseInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw interrupted();
}

/** Thrown for Ctrl-C before a sweep was submitted. */
function interrupted(): AdctlError {
  return new AdctlError('Interrupted: nothing was submitted.', {
    code: 'interrupted',
    kind: 'transient',
    hint: 'The same command begins again.',
  });
}

/** Thrown for Ctrl-C while a cluster that is watched does not answer. */
export function noLongerWatching(): AdctlError {
  return new AdctlError('No longer watching. The cluster does not answer; what it trains goes on.', {
    code: 'interrupted',
    kind: 'transient',
    hint: 'adctl sweeps watch shows it again; adctl doctor tells what of the cluster is away.',
  });
}

/** Whether a command was interrupted while nothing of it was under way that has to end well. */
export function isInterrupted({ code }: Failure): boolean {
  return code === 'interrupted';
}
