/** What demand is read off, of one active sweep. */
export interface DemandingSweep {
  readonly owner: string;
  readonly class: string;
  /** Most trials of the sweep in flight at once. */
  readonly parallel: number;
  readonly inFlight: number;
  /** Trials that could be dispatched now. */
  readonly available: number;
}

/**
 * Trials that wait or run and could run at once, by class: what workers are wanted for. A sweep never counts more than its
 * `parallel`, an owner never more than their quota over all classes. Pure.
 *
 * @param slotsOf most trials of an owner in flight
 */
export function demandByClass(
  sweeps: readonly DemandingSweep[],
  slotsOf: (owner: string) => number,
): ReadonlyMap<string, number> {
  const demand = new Map<string, number>();
  const room = new Map<string, number>();
  // What is in flight holds its place before anything that waits.
  for (const { owner, class: name, inFlight } of sweeps) {
    demand.set(name, (demand.get(name) ?? 0) + inFlight);
    room.set(owner, (room.get(owner) ?? slotsOf(owner)) - inFlight);
  }
  for (const { owner, class: name, parallel, inFlight, available } of sweeps) {
    const left = Math.max(0, room.get(owner) ?? 0);
    const waiting = Math.min(available, Math.max(0, parallel - inFlight), left);
    demand.set(name, (demand.get(name) ?? 0) + waiting);
    room.set(owner, left - waiting);
  }
  return demand;
}
