import type { WorkerSummary } from '@adctl/protocol';
import type { Sign } from './worker-state.js';

/** Heartbeats as the pools need them: kept for as long as a pod is there, however silent its worker. */
export class Signs {
  readonly #byWorker = new Map<string, Sign>();

  /** Notes what the fleet has heard. */
  note(workers: readonly WorkerSummary[], nowMs: number): void {
    for (const heartbeat of workers) {
      const seenAtMs = nowMs - heartbeat.secondsSinceHeartbeat * 1000;
      // Starting ones have loaded no engine yet; one that ends before it could train says that it drains.
      const ready = heartbeat.state === 'ready' ? seenAtMs : undefined;
      const readyMs = this.#byWorker.get(heartbeat.worker)?.readyMs ?? ready;
      this.#byWorker.set(heartbeat.worker, { heartbeat, seenAtMs, readyMs });
    }
  }

  of(worker: string): Sign | undefined {
    return this.#byWorker.get(worker);
  }

  /** Forgets workers without a pod. */
  keepOnly(pods: ReadonlySet<string>): void {
    for (const worker of this.#byWorker.keys()) if (!pods.has(worker)) this.#byWorker.delete(worker);
  }
}
