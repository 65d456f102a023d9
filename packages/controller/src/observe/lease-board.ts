import type { Lease, SweepId, TrialId } from '@adctl/protocol';

export interface SeenLease {
  readonly lease: Lease;
  /** When it last changed, by this controller's clock. */
  readonly seenAtMs: number;
}

/** The leases of trials that are not final, as last seen. */
export class LeaseBoard {
  readonly #leases = new Map<string, SeenLease>();

  note(sweep: SweepId, trial: TrialId, lease: Lease, nowMs: number): void {
    this.#leases.set(`${sweep}.${trial}`, { lease, seenAtMs: nowMs });
  }

  get(sweep: SweepId, trial: TrialId): SeenLease | undefined {
    return this.#leases.get(`${sweep}.${trial}`);
  }

  forget(sweep: SweepId, trial: TrialId): void {
    this.#leases.delete(`${sweep}.${trial}`);
  }
}
