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
