export interface StateEntry {
  readonly key: string;
  /** JSON value as written, never null; the reader parses it by schema. */
  readonly value: unknown;
  /** Rises with every write and delete in the bucket; the token for compare-and-set. */
  readonly revision: number;
}

/** A change seen by `watch`; `value` is null after a delete. */
export interface StateChange {
  readonly key: string;
  readonly value: unknown | null;
  readonly revision: number;
}

/**
 * One bucket of live records with revisions. Keys are tokens of `[A-Za-z0-9_-]` joined by dots; prefixes end at a token.
 * Conflicts are values, not exceptions: losing a compare-and-set is an expected ending.
 */
export interface StateBucket {
  get(key: string): Promise<StateEntry | null>;
  /** Writes only if the key is absent (or deleted). @returns the revision, or null when the key exists. */
  create(key: string, value: unknown): Promise<number | null>;
  /** Writes only if the current revision is the given one. @returns the new revision, or null when it is not. */
  update(key: string, value: unknown, revision: number): Promise<number | null>;
  /** Writes whatever is there. */
  put(key: string, value: unknown): Promise<number>;
  /** Deletes; with a revision only if it is current. @returns whether it deleted. */
  delete(key: string, revision?: number): Promise<boolean>;
  /**
   * Removes the entries below a prefix (keys `<prefix>.…`) that were not written after the given revision, without a trace: nobody
   * who watches hears of it. The mark that `delete` leaves is read by everybody who reads the bucket from its start; this
   * removes such marks too.
   * @returns how many entries and marks were removed.
   */
  purge(prefix: string, revision: number): Promise<number>;
  /** All current entries whose key equals the prefix or starts with `<prefix>.`; everything for ''. Ordered by key. */
  entries(prefix?: string): Promise<readonly StateEntry[]>;
  /**
   * Current entries first (then one `ready` mark), then changes as they happen, until the signal is aborted. A slow reader
   * may miss values that were overwritten meanwhile, never the last one. Entries whose time to live ends vanish unseen.
   * @throws AdctlError transient `controller_unreachable` when the far side goes away.
   */
  watch(prefix: string, signal: AbortSignal): AsyncIterable<StateChange | 'ready'>;
}

/** Names of buckets are fixed; entries of buckets with a time to live vanish that long after their last write. */
export const STATE_BUCKETS = {
  sweep: {},
  trial: {},
  lease: {},
  leader: { ttlMs: 4_000 },
  identity: {},
  /** Idempotency keys of submissions. */
  submission: {},
} as const satisfies Record<string, { ttlMs?: number }>;
export type BucketName = keyof typeof STATE_BUCKETS;

export interface StateStore {
  bucket(name: BucketName): StateBucket;
}
