import { controllerUnreachable } from '../errors.js';
import type { EventLog, StoredEvent } from '../event-log.js';
import { toJson } from '../json.js';
import { assertFilter, assertSubject, isExactFilter, matchesFilter, rangeOfFilter } from '../subject-filter.js';
import { ChangeSignal } from './change-signal.js';
import type { Database } from './database.js';

/** Rows examined in one turn of the event loop. */
const PAGE = 2_000;

/** Signal of reads that nobody can cancel. */
const NEVER = new AbortController().signal;

/**
 * The event log in one table. An exact filter reads by the subject's index; a wildcard walks the sequence in pages, which
 * keeps every turn short however large the log is.
 */
export class SqliteEventLog implements EventLog {
  readonly #database: Database;
  readonly #sql: ReturnType<typeof prepareStatements>;
  readonly #appended = new ChangeSignal();

  constructor(database: Database) {
    this.#database = database;
    this.#sql = prepareStatements(database);
  }

  async append(
    subject: string,
    data: unknown,
    options: { readonly once?: boolean } = {},
  ): Promise<{ sequence: number; duplicate: boolean }> {
    assertSubject(subject);
    const text = toJson(data, 'an event');
    const outcome = await this.#database.write(() => {
      const first = options.once ? this.#sql.first.get(subject) : undefined;
      if (first !== undefined) return { sequence: Number(first.sequence), duplicate: true };
      return { sequence: Number(this.#sql.insert.run(subject, text).lastInsertRowid), duplicate: false };
    });
    if (!outcome.duplicate) this.#appended.notify();
    return outcome;
  }

  async appendAll(events: readonly { readonly subject: string; readonly data: unknown }[]): Promise<void> {
    const rows = events.map(({ subject, data }) => {
      assertSubject(subject);
      return [subject, toJson(data, 'an event')] as const;
    });
    if (rows.length === 0) return;
    await this.#database.write(() => {
      for (const row of rows) this.#sql.insert.run(...row);
    });
    this.#appended.notify();
  }

  async *read(
    filter: string,
    options: { readonly from?: number; readonly limit?: number } = {},
  ): AsyncGenerator<StoredEvent> {
    assertFilter(filter);
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    for await (const event of this.#upTo(this.#end(), filter, options.from ?? 0, NEVER)) {
      if (left <= 0) return;
      left -= 1;
      yield event;
    }
  }

  async *follow(
    filter: string,
    options: { readonly from?: number; readonly signal: AbortSignal },
  ): AsyncGenerator<StoredEvent> {
    assertFilter(filter);
    let from = options.from ?? 0;
    while (!options.signal.aborted) {
      const end = this.#end();
      if (end >= from) {
        yield* this.#upTo(end, filter, from, options.signal);
        from = end + 1;
      } else {
        await this.#appended.wait(options.signal);
      }
    }
  }

  async purge(filter: string): Promise<void> {
    assertFilter(filter);
    const { low, high } = rangeOfFilter(filter);
    await this.#database.write(() => {
      for (const row of this.#sql.subjects.all(low, high)) {
        const subject = String(row.subject);
        if (matchesFilter(filter, subject)) this.#sql.purge.run(subject);
      }
    });
  }

  /** Ends all `follow`s with an error. */
  close(): void {
    this.#appended.fail(controllerUnreachable('it was closed'));
  }

  #end(): number {
    return Number(this.#database.read(() => this.#sql.end.get())?.sequence ?? 0);
  }

  /** Stored events from one sequence to another, both inclusive. */
  async *#upTo(end: number, filter: string, start: number, signal: AbortSignal): AsyncGenerator<StoredEvent> {
    const page = isExactFilter(filter) ? this.#exactPage : this.#rangePage;
    for (let from = start; from <= end && !signal.aborted; ) {
      const { rows, next } = page.call(this, filter, from, end);
      for (const row of rows) {
        const subject = String(row.subject);
        if (signal.aborted) return;
        if (!matchesFilter(filter, subject)) continue;
        yield { sequence: Number(row.sequence), subject, data: JSON.parse(String(row.data)) };
      }
      from = next;
      // Let others have their turn between pages.
      if (from <= end) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #exactPage(subject: string, from: number, end: number) {
    const rows = this.#database.read(() => this.#sql.bySubject.all(subject, from, end, PAGE));
    const last = rows.at(-1);
    return { rows, next: last === undefined || rows.length < PAGE ? end + 1 : Number(last.sequence) + 1 };
  }

  #rangePage(filter: string, from: number, end: number) {
    const { low, high } = rangeOfFilter(filter);
    // Sequences have gaps after a purge: start at the first one that exists.
    const start = Number(this.#database.read(() => this.#sql.firstFrom.get(from))?.sequence ?? end + 1);
    const last = Math.min(end, start + PAGE - 1);
    return { rows: this.#database.read(() => this.#sql.bySequence.all(start, last, low, high)), next: last + 1 };
  }
}

function prepareStatements(database: Database) {
  return {
    insert: database.prepare('INSERT INTO event (subject, data) VALUES (?, ?)'),
    first: database.prepare('SELECT sequence FROM event WHERE subject = ? ORDER BY sequence LIMIT 1'),
    end: database.prepare('SELECT max(sequence) AS sequence FROM event'),
    firstFrom: database.prepare('SELECT min(sequence) AS sequence FROM event WHERE sequence >= ?'),
    bySubject: database.prepare(
      'SELECT * FROM event WHERE subject = ? AND sequence BETWEEN ? AND ? ORDER BY sequence LIMIT ?',
    ),
    bySequence: database.prepare(
      'SELECT * FROM event WHERE sequence BETWEEN ? AND ? AND +subject >= ? AND +subject < ? ORDER BY sequence',
    ),
    subjects: database.prepare('SELECT DISTINCT subject FROM event WHERE subject >= ? AND subject < ?'),
    purge: database.prepare('DELETE FROM event WHERE subject = ?'),
  };
}
