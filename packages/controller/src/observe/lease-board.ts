import type { Lease, SweepId, TrialId } from '@adctl/protocol';

export interface SeenLease {
  readonly lease: Lease;
  /** When it last changed, by this controller's clock. */
  readonly seenAtMs: number;
}

/** The leases of trials that are not final, as last seen. */
export class LeaseBoard {
  readonly #leases = new Map<string, SeenLease>();
  /** Trials whose lease cannot be read: no worker can claim them before it is replaced. */
  readonly #spoilt = new Set<string>();

  note(sweep: SweepId, trial: TrialId, lease: Lease, nowMs: number): void {
    this.#leases.set(`${sweep}.${trial}`, { lease, seenAtMs: nowMs });
    this.#spoilt.delete(`${sweep}.${trial}`);
  }

  get(sweep: SweepId, trial: TrialId): SeenLease | undefined {
    return this.#leases.get(`${sweep}.${trial}`);
  }

  /** The lease was overwritten by something that is none. */
  spoil(sweep: SweepId, trial: TrialId): void {
    this.#spoilt.add(`${sweep}.${trial}`);
  }

  isSpoilt(sweep: SweepId, trial: TrialId): boolean {
    return this.#spoilt.has(`${sweep}.${trial}`);
  }

  forget(sweep: SweepId, trial: TrialId): void {
    this.#leases.delete(`${sweep}.${trial}`);
    this.#spoilt.delete(`${sweep}.${trial}`);
  }
}
