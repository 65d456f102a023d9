export interface StoredEvent {
  /** Rises by at least one with every event. */
  readonly sequence: number;
  readonly subject: string;
  /** JSON value as appended; the reader parses it by schema. */
  readonly data: unknown;
}

/**
 * Durable, ordered facts. Subjects are tokens joined by dots; a filter may use `*` for one token and `>` as its last token
 * for one or more.
 *
 * Events `metric.…` may be kept apart, with sequences of their own and limits that drop the oldest: a filter that begins
 * with a wildcard need not see them. Everything else shares one sequence.
 */
export interface EventLog {
  /**
   * Appends one event and resolves once it is durable.
   * @param options.once the subject must be new: a repeat returns the first event's sequence and `duplicate: true`.
   */
  append(
    subject: string,
    data: unknown,
    options?: { readonly once?: boolean },
  ): Promise<{ sequence: number; duplicate: boolean }>;
  /** Appends many events in order and resolves once all are durable (embedded: all or none). */
  appendAll(events: readonly { readonly subject: string; readonly data: unknown }[]): Promise<void>;
  /** Everything stored that matches, in order, from a sequence (inclusive, default 0) to the current end. */
  read(filter: string, options?: { readonly from?: number; readonly limit?: number }): AsyncIterable<StoredEvent>;
  /** Like `read`, then waits for more until the signal is aborted. */
  follow(filter: string, options: { readonly from?: number; readonly signal: AbortSignal }): AsyncIterable<StoredEvent>;
  /** Deletes all events of the matching subjects. */
  purge(filter: string): Promise<void>;
}
