/**
 * What a step comes to, or the signal's reason when that is aborted first. The step itself goes on, and what it comes to is
 * nobody's business any more.
 * @throws what the step throws; the signal's reason.
 */
export function unlessAborted<T>(signal: AbortSignal, step: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    step.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
