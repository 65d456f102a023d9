import type { WorkerHeartbeat, WorkerId, WorkerSummary } from '@adctl/protocol';
import type { LossClass } from '../plan/loss.js';

interface SeenWorker {
  readonly heartbeat: WorkerHeartbeat;
  readonly seenAtMs: number;
}

export interface FleetOptions {
  /** A worker not heard of this long counts as gone. */
  readonly silenceMs: number;
  /** Slots that are known to come, by class: an embedded deployment need not wait for the first heartbeat. */
  readonly expectedSlots: Readonly<Record<string, number>>;
  /** Trials kept dispatched or running for each slot. */
  readonly windowPerSlot: number;
}

/** The workers as last heard. A view only: leases decide who trains. */
export class Fleet {
  readonly #workers = new Map<WorkerId, SeenWorker>();
  /** How they went. */
  readonly #gone = new Map<WorkerId, LossClass>();
  /** Classes of which a worker has said that it sees a GPU. */
  readonly #gpuClasses = new Set<string>();

  constructor(private readonly options: FleetOptions) {}

  /** @returns whether the worker is new or changed what it offers, so that dispatch may have more room. */
  note(heartbeat: WorkerHeartbeat, nowMs: number): boolean {
    const before = this.#workers.get(heartbeat.worker)?.heartbeat;
    if (this.#gone.has(heartbeat.worker)) return false; // a late message of a process that has ended
    this.#workers.set(heartbeat.worker, { heartbeat, seenAtMs: nowMs });
    if (heartbeat.engine?.gpu === true) this.#gpuClasses.add(heartbeat.class);
    return before?.slots !== heartbeat.slots || before.state !== heartbeat.state;
  }

  /** The worker's process has ended; ids are never used twice. */
  remove(worker: WorkerId, how: LossClass = 'node-lost'): void {
    this.#workers.delete(worker);
    this.#gone.set(worker, how);
  }

  /** Whether a worker's process is known to have ended. */
  isGone(worker: WorkerId): boolean {
    return this.#gone.has(worker);
  }

  /**
   * Forgets workers long silent.
   * @param backSinceMs before this we could hear nobody.
   * @returns all that are known to be dead, and how they went.
   */
  dead(nowMs: number, backSinceMs = 0): ReadonlyMap<WorkerId, LossClass> {
    for (const [worker, { seenAtMs }] of this.#workers) {
      if (nowMs - Math.max(seenAtMs, backSinceMs) > this.options.silenceMs) this.remove(worker);
    }
    return this.#gone;
  }

  /** Whether workers of a class train on GPUs, as far as was heard. */
  hasGpus(name: string): boolean {
    return this.#gpuClasses.has(name);
  }

  /** Slots of a class, ready or known to come. */
  slotsOf(name: string): number {
    let ready = 0;
    for (const { heartbeat } of this.#workers.values()) {
      if (heartbeat.class === name && heartbeat.state !== 'draining') ready += heartbeat.slots;
    }
    return Math.max(ready, this.options.expectedSlots[name] ?? 0);
  }

  /** Slots of a class that their workers say have nothing to do. */
  idleSlotsOf(name: string): number {
    let idle = 0;
    for (const { heartbeat } of this.#workers.values()) {
      const { slots, busy, state } = heartbeat;
      if (heartbeat.class === name && state === 'ready') idle += Math.max(0, slots - busy.length);
    }
    return idle;
  }

  /**
   * Most trials of a class dispatched or running at once. What runs beyond the slots we know is in the hands of workers that we have
   * not heard, dead ones perhaps, and takes no place: a new leader would find its window full until their leases ran out.
   * @param running trials of the class that run, as far as is known.
   */
  windowOf(name: string, running: number): number {
    const slots = this.slotsOf(name);
    return slots * this.options.windowPerSlot + Math.max(0, running - slots);
  }

  slots(): number {
    return [...this.#workers.values()].reduce((sum, { heartbeat }) => sum + heartbeat.slots, 0);
  }

  list(nowMs: number): WorkerSummary[] {
    return [...this.#workers.values()]
      .map(({ heartbeat, seenAtMs }) => ({ ...heartbeat, secondsSinceHeartbeat: (nowMs - seenAtMs) / 1000 }))
      .sort((a, b) => (a.worker < b.worker ? -1 : 1));
  }
}
