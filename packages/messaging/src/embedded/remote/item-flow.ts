/** Items collected into one frame at most, by number and by characters. */
const BATCH_ITEMS = 512;
const BATCH_CHARACTERS = 1024 * 1024;

/**
 * The sending half of a stream. One batch is under way at a time; while the far side works on it, items collect for the
 * next one, up to a batch's size. So a slow reader holds the source back instead of filling memory.
 */
export class Outflow {
  #items: string[] = [];
  #characters = 0;
  #credit = true;
  #roomMade: (() => void) | null = null;

  /** @param send puts one batch of JSON texts on the wire. */
  constructor(private readonly send: (items: readonly string[]) => void) {}

  /** Takes an item, and resolves when there is room for another. */
  async offer(item: string): Promise<void> {
    this.#items.push(item);
    this.#characters += item.length;
    this.#flush();
    if (this.#items.length >= BATCH_ITEMS || this.#characters >= BATCH_CHARACTERS) await this.#room();
  }

  /** The far side took a batch (or nobody will: then waiting is over as well). */
  more(): void {
    this.#credit = true;
    this.#flush();
    const made = this.#roomMade;
    this.#roomMade = null;
    made?.();
  }

  /** Resolves when everything offered is on the wire or the signal is aborted. */
  async drained(signal: AbortSignal): Promise<void> {
    while (this.#items.length > 0 && !signal.aborted) await this.#room();
  }

  #flush(): void {
    if (!this.#credit || this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    this.#characters = 0;
    this.#credit = false;
    this.send(items);
  }

  #room(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#roomMade = resolve;
    return promise;
  }
}

/** The receiving half of a stream: batches as they came, handed out one item at a time. */
export class Inflow {
  #batches: (readonly unknown[])[] = [];
  #ended = false;
  #failure: { readonly reason: unknown } | null = null;
  #wake: (() => void) | null = null;

  /** @param requestMore asks the far side for the next batch. */
  constructor(private readonly requestMore: () => void) {}

  push(batch: readonly unknown[]): void {
    this.#batches.push(batch);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  fail(reason: unknown): void {
    this.#failure = { reason };
    this.#wake?.();
  }

  async *items(): AsyncGenerator<unknown> {
    while (true) {
      const batch = this.#batches.shift();
      if (batch !== undefined) {
        yield* batch;
        // After the last item was taken: the far side may now go on.
        if (!this.#ended && this.#failure === null) this.requestMore();
        continue;
      }
      if (this.#failure !== null) throw this.#failure.reason;
      if (this.#ended) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = null;
    }
  }
}
