import type { Clock } from '../clock.js';
import { badValue, controllerUnreachable } from '../errors.js';
import { toJson } from '../json.js';
import {
  type BucketName,
  STATE_BUCKETS,
  type StateBucket,
  type StateChange,
  type StateEntry,
  type StateStore,
} from '../state-store.js';
import { assertSubject } from '../subject-filter.js';
import type { Database } from './database.js';
import { StateWatcher } from './state-watcher.js';

/** Live records in one table, all buckets under one revision counter. */
export class SqliteStateStore implements StateStore {
  readonly #buckets: ReadonlyMap<BucketName, SqliteStateBucket>;

  constructor(database: Database, clock: Clock) {
    const sql = prepareStatements(database);
    const names = Object.keys(STATE_BUCKETS) as BucketName[];
    this.#buckets = new Map(names.map((name) => [name, new SqliteStateBucket(name, database, sql, clock)]));
  }

  bucket(name: BucketName): StateBucket {
    return this.#bucket(name);
  }

  /** Ends all watches with an error. */
  close(): void {
    for (const bucket of this.#buckets.values()) bucket.close();
  }

  #bucket(name: BucketName): SqliteStateBucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw badValue(`the bucket name ${String(name)}`);
    return bucket;
  }
}

/**
 * One bucket. An entry past its time to live is as good as deleted: reads do not see it, `create` succeeds. As with
 * NATS buckets, watchers hear nothing of an expiry.
 */
class SqliteStateBucket implements StateBucket {
  readonly #name: BucketName;
  readonly #ttlMs: number | undefined;
  readonly #watchers = new Set<StateWatcher>();
  #closed = false;

  constructor(
    name: BucketName,
    private readonly database: Database,
    private readonly sql: ReturnType<typeof prepareStatements>,
    private readonly clock: Clock,
  ) {
    this.#name = name;
    const settings: { ttlMs?: number } = STATE_BUCKETS[name];
    this.#ttlMs = settings.ttlMs;
  }

  async get(key: string): Promise<StateEntry | null> {
    assertSubject(key, 'key');
    const row = this.database.read(() => this.sql.get.get(this.#name, key, this.clock.now()));
    return row === undefined ? null : toEntry(row);
  }

  create(key: string, value: unknown): Promise<number | null> {
    return this.#write(key, value, (current) => current === null);
  }

  update(key: string, value: unknown, revision: number): Promise<number | null> {
    return this.#write(key, value, (current) => current === revision);
  }

  async put(key: string, value: unknown): Promise<number> {
    const revision = await this.#write(key, value, () => true);
    if (revision === null) throw badValue('an unconditional write'); // unreachable: the condition is constant
    return revision;
  }

  async delete(key: string, revision?: number): Promise<boolean> {
    assertSubject(key, 'key');
    const deleted = await this.database.write(() => {
      const current = this.#currentRevision(key);
      if (current === null || (revision !== undefined && current !== revision)) return null;
      this.sql.delete.run(this.#name, key);
      return this.#nextRevision();
    });
    if (deleted !== null) this.#announce({ key, value: null, revision: deleted });
    return deleted !== null;
  }

  async purge(prefix: string, revision: number): Promise<number> {
    assertSubject(prefix, 'prefix');
    const purged = await this.database.write(
      () => this.sql.purge.run(this.#name, `${prefix}.`, `${prefix}/`, revision).changes,
    );
    return Number(purged);
  }

  async entries(prefix = ''): Promise<readonly StateEntry[]> {
    if (prefix !== '') assertSubject(prefix, 'prefix');
    return this.database.read(() => this.#entries(prefix));
  }

  async *watch(prefix: string, signal: AbortSignal): AsyncGenerator<StateChange | 'ready'> {
    if (prefix !== '') assertSubject(prefix, 'prefix');
    if (this.#closed) throw controllerUnreachable('it was closed');
    const watcher = new StateWatcher(prefix);
    this.#watchers.add(watcher);
    try {
      // Taken in the turn in which the watcher was added: between them nothing can slip through.
      const snapshot = this.database.read(() => ({
        entries: this.#entries(prefix),
        revision: Number(this.sql.lastRevision.get()?.revision),
      }));
      yield* watcher.run(snapshot, signal);
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.fail(controllerUnreachable('it was closed'));
  }

  async #write(key: string, value: unknown, condition: (current: number | null) => boolean): Promise<number | null> {
    assertSubject(key, 'key');
    if (value === null) throw badValue('a state value'); // null means deleted to a watcher
    const text = toJson(value, 'a state value');
    const revision = await this.database.write(() => {
      if (!condition(this.#currentRevision(key))) return null;
      const now = this.clock.now();
      const next = this.#nextRevision();
      if (this.#ttlMs !== undefined) this.sql.deleteExpired.run(this.#name, now);
      this.sql.put.run(this.#name, key, text, next, this.#ttlMs === undefined ? null : now + this.#ttlMs);
      return next;
    });
    if (revision !== null) this.#announce({ key, value: JSON.parse(text), revision });
    return revision;
  }

  #currentRevision(key: string): number | null {
    const row = this.sql.revisionOf.get(this.#name, key, this.clock.now());
    return row === undefined ? null : Number(row.revision);
  }

  #nextRevision(): number {
    return Number(this.sql.nextRevision.get()?.revision);
  }

  #entries(prefix: string): StateEntry[] {
    const now = this.clock.now();
    const rows =
      prefix === ''
        ? this.sql.all.all(this.#name, now)
        : this.sql.below.all(this.#name, prefix, `${prefix}.`, `${prefix}/`, now);
    return rows.map(toEntry);
  }

  #announce(change: StateChange): void {
    for (const watcher of this.#watchers) watcher.offer(change);
  }
}

const toEntry = (row: Record<string, unknown>): StateEntry => ({
  key: String(row.key),
  value: JSON.parse(String(row.value)),
  revision: Number(row.revision),
});

function prepareStatements(database: Database) {
  const alive = '(expires_at IS NULL OR expires_at > ?)';
  return {
    get: database.prepare(`SELECT key, value, revision FROM state WHERE bucket = ? AND key = ? AND ${alive}`),
    revisionOf: database.prepare(`SELECT revision FROM state WHERE bucket = ? AND key = ? AND ${alive}`),
    all: database.prepare(`SELECT key, value, revision FROM state WHERE bucket = ? AND ${alive} ORDER BY key`),
    /** '/' is the character after '.': the range is everything below the prefix. */
    below: database.prepare(`
      SELECT key, value, revision FROM state
      WHERE bucket = ?1 AND key >= ?2 AND key < ?4 AND (key = ?2 OR key >= ?3)
        AND (expires_at IS NULL OR expires_at > ?5) ORDER BY key`),
    put: database.prepare(
      'INSERT OR REPLACE INTO state (bucket, key, value, revision, expires_at) VALUES (?, ?, ?, ?, ?)',
    ),
    delete: database.prepare('DELETE FROM state WHERE bucket = ? AND key = ?'),
    purge: database.prepare('DELETE FROM state WHERE bucket = ? AND key >= ? AND key < ? AND revision <= ?'),
    deleteExpired: database.prepare('DELETE FROM state WHERE bucket = ? AND expires_at <= ?'),
    nextRevision: database.prepare('UPDATE counter SET revision = revision + 1 RETURNING revision'),
    lastRevision: database.prepare('SELECT revision FROM counter'),
  };
}
