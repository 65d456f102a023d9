/** Runs asynchronous steps one after the other, in the order asked for; a failed step does not stop the next. */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(step);
    this.#tail = result.catch(() => undefined); // the caller of `run` sees the error
    return result;
  }
}
