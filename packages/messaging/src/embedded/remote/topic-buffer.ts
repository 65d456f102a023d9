import { ChangeSignal } from '../change-signal.js';

interface TopicMessage {
  readonly topic: string;
  readonly payload: unknown;
}

/** Messages that wait for a slow listener; beyond this many the oldest are dropped. */
const LIMIT = 10_000;

/** Published messages on their way to one far listener. Lossy by contract: a slow terminal must never slow the sweep. */
export class TopicBuffer {
  readonly #arrived = new ChangeSignal();
  #waiting: TopicMessage[] = [];

  push(message: TopicMessage): void {
    if (this.#waiting.length >= LIMIT) this.#waiting.splice(0, LIMIT / 2);
    this.#waiting.push(message);
    this.#arrived.notify();
  }

  async *messages(signal: AbortSignal): AsyncGenerator<TopicMessage> {
    while (!signal.aborted) {
      if (this.#waiting.length === 0) await this.#arrived.wait(signal);
      const messages = this.#waiting;
      this.#waiting = [];
      yield* messages;
    }
  }
}
