import type { Role } from '../leader/lead.js';

/** What tells whether a controller lives and is ready. Times are of a clock that never jumps, in ms. */
export class Health {
  #role: Role = 'standby';
  #contactAt: number;
  #pulseAt: number;
  #leading = false;

  /**
   * @param options.pulseMs a leader whose turns and reconciler have not come to an end this long hangs.
   * @param options.contactMs a controller that NATS has not answered this long is not ready.
   */
  constructor(
    private readonly options: {
      readonly pulseMs: number;
      readonly contactMs: number;
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

  /** The reconciler came to an end, well or badly. */
  pulse(): void {
    this.#pulseAt = this.#now();
  }

  /** Whether the process is worth keeping. Reading everything at the start of a term may take long and is no hang. */
  live(): { readonly ok: boolean; readonly role: Role; readonly secondsSincePulse: number } {
    const silentMs = this.#now() - this.#pulseAt;
    return {
      ok: !this.#leading || silentMs < this.options.pulseMs,
      role: this.#role,
      secondsSincePulse: silentMs / 1000,
    };
  }

  /** Whether it does its part: stands for election or leads, and reaches NATS. */
  ready(): { readonly ok: boolean; readonly role: Role; readonly connected: boolean } {
    const connected = this.#now() - this.#contactAt < this.options.contactMs;
    return { ok: connected && (this.#role === 'standby' || this.#leading), role: this.#role, connected };
  }

  #now(): number {
    return (this.options.monotonicMs ?? (() => performance.now()))();
  }
}
