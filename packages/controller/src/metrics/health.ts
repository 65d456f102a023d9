import type { Role } from '../leader/lead.js';

/** How the watches of the Kubernetes API server are, in ms. */
export interface Watching {
  /** How long the server has sent nothing. */
  silentMs(): number;
  /** How long the watches have neither heard anything nor failed. */
  stuckMs(): number;
}

/** What tells whether a controller lives and is ready. Times are of a clock that never jumps, in ms. */
export class Health {
  #role: Role = 'standby';
  #contactAt: number;
  #pulseAt: number;
  #leading = false;
  #watching: Watching | undefined;

  /**
   * @param options.pulseMs a leader hangs when nothing has come to an end this long: no step of its start, no pass of its
   *   reconciler, no try at a store that is away.
   * @param options.contactMs a controller that NATS has not answered this long is not ready.
   * @param options.watchMs a leader whose API server has been silent this long is not ready, and one whose watches do nothing at all hangs.
   */
  constructor(
    private readonly options: {
      readonly pulseMs: number;
      readonly contactMs: number;
      readonly watchMs: number;
      readonly monotonicMs?: () => number;
    },
  ) {
    this.#contactAt = Number.NEGATIVE_INFINITY;
    this.#pulseAt = this.#now();
  }

  role(role: Role): void {
    this.#role = role;
    this.#leading = false;
    this.pulse();
  }

  /** The leader has read everything and answers requests. */
  serves(): void {
    this.#leading = true;
    this.pulse();
  }

  /** NATS answered the election. */
  contact(): void {
    this.#contactAt = this.#now();
  }

  /** Something came to an end, well or badly. */
  pulse(): void {
    this.#pulseAt = this.#now();
  }

  /** Follows these watches; undefined: the controller has none (any more). */
  watches(watching: Watching | undefined): void {
    this.#watching = watching;
  }

  /**
   * Whether the process is worth keeping. Reading everything at the start of a term may take long and is no hang as long as it
   * gets on; nor is an API server that is away: another process would not reach it either.
   */
  live(): {
    readonly ok: boolean;
    readonly role: Role;
    readonly secondsSincePulse: number;
    readonly secondsWatchStuck?: number;
  } {
    const silentMs = this.#now() - this.#pulseAt;
    const stuckMs = this.#watching?.stuckMs() ?? 0;
    return {
      ok: this.#role === 'standby' || (silentMs < this.options.pulseMs && stuckMs < this.options.watchMs),
      role: this.#role,
      secondsSincePulse: silentMs / 1000,
      ...(this.#watching === undefined ? {} : { secondsWatchStuck: stuckMs / 1000 }),
    };
  }

  /** Whether it does its part: stands for election or leads, and reaches NATS and, where it makes pods, the API server. */
  ready(): {
    readonly ok: boolean;
    readonly role: Role;
    readonly connected: boolean;
    readonly secondsApiServerSilent?: number;
  } {
    const connected = this.#now() - this.#contactAt < this.options.contactMs;
    const silentMs = this.#watching?.silentMs() ?? 0;
    return {
      ok: connected && (this.#role === 'standby' || this.#leading) && silentMs < this.options.watchMs,
      role: this.#role,
      connected,
      ...(this.#watching === undefined ? {} : { secondsApiServerSilent: silentMs / 1000 }),
    };
  }

  #now(): number {
    return (this.options.monotonicMs ?? (() => performance.now()))();
  }
}
