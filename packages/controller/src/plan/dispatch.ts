import type { Priority } from '@adctl/messaging';
import type { SweepId } from '@adctl/protocol';
import type { OwnerPolicies } from './owner-policy.js';

/** Shares of the window, relative to each other. Our decision: high gets twice normal, normal twice low. */
export const PRIORITY_WEIGHTS: Readonly<Record<Priority, number>> = { high: 4, normal: 2, low: 1 };

/** One class of workers. */
export interface DispatchClass {
  readonly class: string;
  /** Most trials dispatched or running at once, about twice the slots. */
  readonly window: number;
  /**
   * A message has waited too long, because workers take higher priorities first: nothing is added until it was taken.
   * Without this, higher priorities that always have a message ready would starve it. No slot idles: the message is there.
   */
  readonly overdue: boolean;
}

/** What dispatch needs to know of an active sweep. */
export interface DispatchSweep {
  readonly sweep: SweepId;
  readonly owner: string;
  readonly class: string;
  readonly priority: Priority;
  /** Most trials of this sweep dispatched or running at once. */
  readonly parallel: number;
  readonly inFlight: number;
  /** Trials that could be dispatched now: queued past their back-off, or not expanded yet. 0 for a paused sweep. */
  readonly available: number;
  /** Rises with every place given to any sweep; of equals the one whose last place is longest ago goes first. 0: none yet. */
  readonly lastServed: number;
}

/** How many further trials of a sweep to put into the queue. */
export interface DispatchPick {
  readonly sweep: SweepId;
  readonly count: number;
}

/**
 * Fills each class's window by weighted fair share: the next place goes to the owner with the fewest trials in flight for
 * their weight, and within the owner to the sweep with the fewest for its priority's weight; ties to
 * the sweep served longest ago, then to whoever comes first in `sweeps`. Pure; never exceeds a window, a sweep's `parallel` or an owner's slots.
 */
export function planDispatch(
  classes: readonly DispatchClass[],
  sweeps: readonly DispatchSweep[],
  owners: OwnerPolicies,
): DispatchPick[] {
  const picks = new Map<SweepId, number>();
  const slotsOfOwner = countByOwner(sweeps);
  for (const one of classes) {
    if (one.overdue) continue;
    const ofClass = sweeps.filter((sweep) => sweep.class === one.class);
    fillWindow(one, ofClass, { owners, slotsOfOwner, picks });
  }
  return [...picks].map(([sweep, count]) => ({ sweep, count }));
}

function fillWindow(
  place: DispatchClass,
  sweeps: readonly DispatchSweep[],
  state: {
    readonly owners: OwnerPolicies;
    /** In flight by owner, over all classes; counted on here. */
    readonly slotsOfOwner: Map<string, number>;
    readonly picks: Map<SweepId, number>;
  },
): void {
  const { owners, slotsOfOwner, picks } = state;
  const ownerHere = countByOwner(sweeps);
  const inFlightOf = ({ sweep, inFlight }: DispatchSweep) => inFlight + (picks.get(sweep) ?? 0);
  const shareOf = (owner: string) => (ownerHere.get(owner) ?? 0) / owners.of(owner).weight;
  const isHungry = (sweep: DispatchSweep) =>
    (picks.get(sweep.sweep) ?? 0) < sweep.available &&
    inFlightOf(sweep) < sweep.parallel &&
    (slotsOfOwner.get(sweep.owner) ?? 0) < owners.of(sweep.owner).slots;
  const isBefore = (a: DispatchSweep, b: DispatchSweep) => {
    const byOwner = a.owner === b.owner ? 0 : shareOf(a.owner) - shareOf(b.owner);
    if (byOwner !== 0) return byOwner < 0;
    const bySweep = inFlightOf(a) / PRIORITY_WEIGHTS[a.priority] - inFlightOf(b) / PRIORITY_WEIGHTS[b.priority];
    return bySweep !== 0 ? bySweep < 0 : a.lastServed < b.lastServed;
  };
  const inFlight = sweeps.reduce((sum, sweep) => sum + sweep.inFlight, 0);
  for (let taken = inFlight; taken < place.window; taken++) {
    let best: DispatchSweep | undefined;
    for (const sweep of sweeps) {
      if (isHungry(sweep) && (best === undefined || isBefore(sweep, best))) best = sweep;
    }
    if (best === undefined) return;
    picks.set(best.sweep, (picks.get(best.sweep) ?? 0) + 1);
    for (const counts of [ownerHere, slotsOfOwner]) counts.set(best.owner, (counts.get(best.owner) ?? 0) + 1);
  }
}

function countByOwner(sweeps: readonly DispatchSweep[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { owner, inFlight } of sweeps) counts.set(owner, (counts.get(owner) ?? 0) + inFlight);
  return counts;
}
