import type { Priority } from '@adctl/messaging';
import type { SweepId } from '@adctl/protocol';

/** Shares of the window, relative to each other. Our decision: high gets twice normal, normal twice low. */
export const PRIORITY_WEIGHTS: Readonly<Record<Priority, number>> = { high: 4, normal: 2, low: 1 };

/** One class of workers. */
export interface DispatchClass {
  readonly class: string;
  /** Most trials dispatched or running at once, about twice the slots. */
  readonly window: number;
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
}

/** How many further trials of a sweep to put into the queue. */
export interface DispatchPick {
  readonly sweep: SweepId;
  readonly count: number;
}

/**
 * Fills each class's window by weighted fair share: the next place goes to the owner with the fewest trials in flight,
 * and within the owner to the sweep with the fewest for its priority's weight; ties to whoever comes first in `sweeps`.
 * Pure; never exceeds a window nor a sweep's `parallel`.
 */
export function planDispatch(classes: readonly DispatchClass[], sweeps: readonly DispatchSweep[]): DispatchPick[] {
  const picks = new Map<SweepId, number>();
  for (const { class: name, window } of classes) {
    const ofClass = sweeps.filter((sweep) => sweep.class === name);
    fillWindow(window, ofClass, picks);
  }
  return [...picks].map(([sweep, count]) => ({ sweep, count }));
}

function fillWindow(window: number, sweeps: readonly DispatchSweep[], picks: Map<SweepId, number>): void {
  const ownerInFlight = new Map<string, number>();
  let inFlight = 0;
  for (const sweep of sweeps) {
    inFlight += sweep.inFlight;
    ownerInFlight.set(sweep.owner, (ownerInFlight.get(sweep.owner) ?? 0) + sweep.inFlight);
  }
  const inFlightOf = (sweep: DispatchSweep) => sweep.inFlight + (picks.get(sweep.sweep) ?? 0);
  for (; inFlight < window; inFlight++) {
    let best: DispatchSweep | undefined;
    for (const sweep of sweeps) {
      if ((picks.get(sweep.sweep) ?? 0) >= sweep.available || inFlightOf(sweep) >= sweep.parallel) continue;
      if (best === undefined || isBefore(sweep, best)) best = sweep;
    }
    if (best === undefined) return;
    picks.set(best.sweep, (picks.get(best.sweep) ?? 0) + 1);
    ownerInFlight.set(best.owner, (ownerInFlight.get(best.owner) ?? 0) + 1);
  }

  function isBefore(a: DispatchSweep, b: DispatchSweep): boolean {
    const owners = (ownerInFlight.get(a.owner) ?? 0) - (ownerInFlight.get(b.owner) ?? 0);
    if (a.owner !== b.owner && owners !== 0) return owners < 0;
    return inFlightOf(a) / PRIORITY_WEIGHTS[a.priority] < inFlightOf(b) / PRIORITY_WEIGHTS[b.priority];
  }
}
