import { SweepId, TrialAssignment, TrialId } from '@adctl/protocol';
import type { Clock } from '../clock.js';
import { controllerUnreachable } from '../errors.js';
import { fromJson, toJson } from '../json.js';
import { assertSubject } from '../subject-filter.js';
import { type Delivery, PRIORITIES, type QueueEntry, type StoredQueueEntry, type TrialQueue } from '../trial-queue.js';
import type { Database } from './database.js';
import { prepareQueueStatements, type QueueStatements } from './queue-statements.js';
import { Waiter } from './waiter.js';

export interface SqliteTrialQueueOptions {
  readonly clock: Clock;
  readonly ackWaitMs: number;
  readonly duplicateWindowMs: number;
}

/** One look into the queue: who was served with what, and who waited at that moment. */
interface Look {
  readonly claims: readonly { readonly waiter: Waiter<Delivery>; readonly delivery: Delivery }[];
  readonly waiters: readonly Waiter<Delivery>[];
}

/**
 * The work queue in SQLite, with JetStream's semantics, the ugly ones included: redelivery after the ack wait, late acks
 * and late `working` calls accepted from whoever calls, ids remembered after their message is gone.
 *
 * Nobody polls. Whoever waits in `next` is registered by class, first come first served; a publish, a nak and a timer at
 * the earliest expiry of the class wake them, and one transaction claims for all of them.
 */
export class SqliteTrialQueue implements TrialQueue {
  readonly #database: Database;
  readonly #options: SqliteTrialQueueOptions;
  readonly #sql: QueueStatements;
  readonly #waiting = new Map<string, Set<Waiter<Delivery>>>();
  readonly #serving = new Set<string>();
  readonly #expiryTimers = new Map<string, () => void>();

  constructor(database: Database, options: SqliteTrialQueueOptions) {
    this.#database = database;
    this.#options = options;
    this.#sql = prepareQueueStatements(database);
  }

  async publish(entry: QueueEntry): Promise<{ sequence: number; duplicate: boolean }> {
    assertSubject(entry.class, 'class');
    const assignment = toJson(entry.assignment, 'an assignment');
    const outcome = await this.#database.write(() => this.#insert(entry, assignment));
    if (!outcome.duplicate) this.#serve(entry.class);
    return outcome;
  }

  async next(options: {
    readonly class: string;
    readonly waitMs: number;
    readonly signal?: AbortSignal;
  }): Promise<Delivery | null> {
    if (options.signal?.aborted) return null;
    const waiting = this.#waitersOf(options.class);
    const waiter = new Waiter<Delivery>({
      ...options,
      clock: this.#options.clock,
      onSettled: () => {
        waiting.delete(waiter);
        if (waiting.size === 0) this.#cancelExpiryTimer(options.class);
      },
    });
    waiting.add(waiter);
    this.#serve(options.class);
    return waiter.promise;
  }

  async remove(sequence: number): Promise<boolean> {
    return this.#database.write(() => this.#sql.remove.run(sequence).changes > 0);
  }

  async contents(): Promise<readonly StoredQueueEntry[]> {
    const now = this.#options.clock.now();
    return this.#database
      .read(() => this.#sql.contents.all())
      .map((row) => ({
        class: String(row.class),
        priority: PRIORITIES[Number(row.priority)] ?? 'low',
        messageId: String(row.message_id),
        sweep: SweepId.parse(row.sweep),
        trial: TrialId.parse(row.trial),
        assignment: TrialAssignment.safeParse(fromJson(String(row.assignment))).data,
        sequence: Number(row.sequence),
        deliveries: Number(row.deliveries),
        inFlight: row.in_flight === 1 && Number(row.visible_at) > now,
      }));
  }

  /**
   * Makes every message that is in flight available at once: for a controller that just started and knows that the
   * holders of the messages were connected to its predecessor.
   */
  async releaseInFlight(): Promise<void> {
    await this.#database.write(() => this.#sql.releaseAll.run());
    for (const name of this.#waiting.keys()) this.#serve(name);
  }

  /** Ends all waits; the database is closed by its owner. */
  close(): void {
    for (const waiting of this.#waiting.values()) {
      for (const waiter of [...waiting]) waiter.fail(controllerUnreachable('it was closed'));
    }
  }

  #insert(entry: QueueEntry, assignment: string): { sequence: number; duplicate: boolean } {
    const now = this.#options.clock.now();
    const { sweep, trial } = entry.assignment;
    const place = [entry.class, PRIORITIES.indexOf(entry.priority), sweep, trial] as const;
    this.#sql.forgetIds.run(now);
    const earlier = this.#sql.findId.get(entry.messageId) ?? this.#sql.findTrial.get(...place);
    if (earlier !== undefined) return { sequence: Number(earlier.sequence), duplicate: true };
    const { lastInsertRowid } = this.#sql.insert.run(...place, entry.messageId, assignment);
    const sequence = Number(lastInsertRowid);
    this.#sql.rememberId.run(entry.messageId, sequence, now + this.#options.duplicateWindowMs);
    return { sequence, duplicate: false };
  }

  #waitersOf(name: string): Set<Waiter<Delivery>> {
    const waiting = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, waiting);
    return waiting;
  }

  /** Claims for whoever waits for a class, in the next transaction. */
  #serve(name: string): void {
    if (this.#serving.has(name) || this.#waitersOf(name).size === 0) return;
    this.#serving.add(name);
    const look = this.#database.write(() => {
      this.#serving.delete(name);
      return this.#look(name);
    });
    look.then(
      (made) => this.#handOut(name, made),
      (error) => {
        this.#serving.delete(name);
        this.#failWaiters(name, error);
      },
    );
  }

  #look(name: string): Look {
    const now = this.#options.clock.now();
    const waiters = [...this.#waitersOf(name)];
    const claims = [];
    for (const waiter of waiters) {
      const row = this.#sql.claim.get(now + this.#options.ackWaitMs, name, now);
      if (row === undefined) break;
      claims.push({ waiter, delivery: this.#toDelivery(name, row) });
    }
    return { claims, waiters };
  }

  #handOut(name: string, { claims, waiters }: Look): void {
    for (const { waiter, delivery } of claims) {
      // The wait ended between claim and commit: nobody holds the message, so it goes back at once.
      if (!waiter.succeed(delivery)) delivery.nak().catch((error: unknown) => this.#failWaiters(name, error));
    }
    const waiting = this.#waitersOf(name);
    for (const waiter of waiters) if (waiter.waitMs <= 0) waiter.succeed(null);
    this.#cancelExpiryTimer(name);
    if (waiting.size > 0) this.#serveAtNextExpiry(name);
    else this.#waiting.delete(name);
  }

  #serveAtNextExpiry(name: string): void {
    const at = this.#database.read(() => this.#sql.nextExpiry.get(name))?.at;
    if (typeof at !== 'number') return;
    this.#expiryTimers.set(
      name,
      this.#options.clock.after(at - this.#options.clock.now(), () => this.#serve(name)),
    );
  }

  #cancelExpiryTimer(name: string): void {
    this.#expiryTimers.get(name)?.();
    this.#expiryTimers.delete(name);
  }

  #failWaiters(name: string, error: unknown): void {
    for (const waiter of [...this.#waitersOf(name)]) waiter.fail(error);
  }

  #toDelivery(name: string, row: Record<string, unknown>): Delivery {
    const sequence = Number(row.sequence);
    return {
      sequence,
      deliveries: Number(row.deliveries),
      assignment: JSON.parse(String(row.assignment)) as TrialAssignment,
      ack: async () => {
        await this.remove(sequence);
      },
      nak: (delayMs = 0) => this.giveBack(sequence, name, delayMs),
      working: () => this.restartAckWait(sequence),
    };
  }

  /** `Delivery.nak` by sequence, whoever asks. */
  async giveBack(sequence: number, name: string, delayMs: number): Promise<void> {
    await this.#database.write(() => this.#sql.giveBack.run(this.#options.clock.now() + delayMs, sequence));
    this.#serve(name);
  }

  /** `Delivery.working` by sequence, whoever asks. */
  async restartAckWait(sequence: number): Promise<void> {
    await this.#database.write(() =>
      this.#sql.restartWait.run(this.#options.clock.now() + this.#options.ackWaitMs, sequence),
    );
  }
}
