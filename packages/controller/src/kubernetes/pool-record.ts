import type { PoolStatus } from '@adctl/protocol';
import { REASONS } from '../reasons.js';
import { type Circuit, CLOSED, FAILURES_TO_OPEN, noteStart, type Start } from './circuit.js';
import type { Pool } from './pool.js';
import type { PodWorker } from './worker-state.js';

type Condition = PoolStatus['conditions'][number];

/** Pause before Jobs of a pool are tried again after the server refused one, doubled with every refusal. */
const FIRST_REFUSED_PAUSE_MS = 5_000;
const LONGEST_REFUSED_PAUSE_MS = 5 * 60_000;

/** What is remembered of one pool from look to look. */
export class PoolRecord {
  #circuit: Circuit = CLOSED;
  #valid: Condition = { type: 'Valid', status: 'Unknown', message: 'not tried yet' };
  #creating: Condition = { type: 'Creating', status: 'Unknown', message: 'nothing made yet' };
  #refusals = 0;
  #pausedUntilMs = 0;
  /** Starts already noted, by Job and how they went. */
  readonly #noted = new Set<string>();

  constructor(
    readonly pool: Pool,
    /** Digest that its Jobs carry. */
    readonly template: string,
  ) {}

  get circuit(): Circuit {
    return this.#circuit;
  }

  /** Whether the API server refused its last Job a short while ago. */
  isPaused(nowMs: number): boolean {
    return nowMs < this.#pausedUntilMs;
  }

  /** Whether no workers are made for it now, so that another pool of the class should have its share. */
  isClosed(nowMs: number): boolean {
    const { openUntilMs } = this.#circuit;
    return this.pool.drain || this.isPaused(nowMs) || (openUntilMs !== null && nowMs < openUntilMs);
  }

  /** Notes which starts of workers have gone well or not since the last look. @returns the Job that opened the circuit. */
  noteWorkers(workers: readonly PodWorker[]): PodWorker | undefined {
    const news = workers.flatMap((worker): { key: string; worker: PodWorker; start: Start }[] => {
      const { jobUid, readyMs, failedStart, endedMs, reason } = worker;
      const up = readyMs === undefined ? [] : [{ up: true, atMs: readyMs } as const];
      const down =
        failedStart && endedMs !== undefined ? [{ up: false, atMs: endedMs, why: reason ?? 'failed' } as const] : [];
      return [...up, ...down].map((start) => ({ key: `${jobUid} ${start.up}`, worker, start }));
    });
    const seen = new Set(workers.map(({ jobUid }) => jobUid));
    for (const key of this.#noted) if (!seen.has(key.slice(0, key.indexOf(' ')))) this.#noted.delete(key);
    let opener: PodWorker | undefined;
    for (const { key, worker, start } of news.sort((a, b) => a.start.atMs - b.start.atMs)) {
      if (this.#noted.has(key)) continue;
      this.#noted.add(key);
      if (this.noteStart(start)) opener = worker;
    }
    return opener;
  }

  /** @returns whether the circuit opened by it. */
  noteStart(start: Start): boolean {
    const { openings } = this.#circuit;
    this.#circuit = noteStart(this.#circuit, start);
    return this.#circuit.openings > openings;
  }

  /** What the server says of its Jobs without making one. */
  noteTrial(outcome: { readonly refused: string } | { readonly warnings: readonly string[] }): void {
    if ('refused' in outcome) this.#valid = { type: 'Valid', status: 'False', message: outcome.refused };
    else if (outcome.warnings.length > 0) {
      this.#valid = {
        type: 'Valid',
        status: 'False',
        message: `its pods would be refused: ${outcome.warnings.join('; ')}`,
      };
    } else this.#valid = { type: 'Valid', status: 'True', message: 'the API server takes its Jobs' };
  }

  noteCreated(job: string): void {
    this.#refusals = 0;
    this.#creating = { type: 'Creating', status: 'True', message: `made ${job}` };
  }

  noteRefused(message: string, nowMs: number): void {
    this.#pausedUntilMs = nowMs + Math.min(FIRST_REFUSED_PAUSE_MS * 2 ** this.#refusals, LONGEST_REFUSED_PAUSE_MS);
    this.#refusals += 1;
    this.#creating = { type: 'Creating', status: 'False', message };
  }

  conditions(nowMs: number): Condition[] {
    const { failures, openUntilMs, lastFailure } = this.#circuit;
    const open = openUntilMs !== null && failures >= FAILURES_TO_OPEN;
    const until = new Date(openUntilMs ?? nowMs).toISOString();
    return [
      this.#valid,
      this.#creating,
      {
        type: 'CircuitOpen',
        status: open ? 'True' : 'False',
        message: open ? REASONS.circuitOpen(failures, until, lastFailure) : `${failures} failed starts in a row`,
      },
      {
        type: 'Drained',
        status: this.pool.drain ? 'True' : 'False',
        message: this.pool.drain ? REASONS.poolDrained : 'workers are made as trials need them',
      },
    ];
  }
}
