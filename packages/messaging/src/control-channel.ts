/**
 * Requests to the controller and ephemeral fan-out: nothing here is stored, and nobody may depend on having seen a
 * published message.
 */
export interface ControlChannel {
  /**
   * Asks the controller and waits for its answer.
   * @param verb e.g. `sweeps.submit`.
   * @throws AdctlError transient `controller_unreachable` when nobody serves the verb or the time passes; the error the handler threw, rebuilt from its Failure.
   */
  request(
    verb: string,
    payload: unknown,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<unknown>;
  /** Answers a verb until the returned function is called. `caller` is the authenticated user (embedded: the operating-system user). */
  serve(verb: string, handler: (payload: unknown, caller: string) => Promise<unknown>): Promise<() => Promise<void>>;
  /** Sends to whoever listens now. Topics are tokens joined by dots. */
  publish(topic: string, payload: unknown): Promise<void>;
  /** Listens to topics (`*` one token, `>` the rest) until the returned function is called; resolves once in force. */
  subscribe(filter: string, handler: (topic: string, payload: unknown) => void): Promise<() => Promise<void>>;
  /**
   * Whether anybody listens to a topic now; listeners hear a null. Whose process was killed counts no more at once; who
   * hangs, or whose machine was lost without a word, counts for a while.
   * @throws AdctlError transient when it cannot be found out.
   */
  hasListeners(topic: string): Promise<boolean>;
}
