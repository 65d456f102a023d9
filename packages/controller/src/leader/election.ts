import { type Clock, STATE_BUCKETS, type StateBucket, type StateEntry } from '@adctl/messaging';
import { AdctlError } from '@adctl/protocol';
import type { Logger } from 'pino';
import { leadershipLost } from '../errors.js';
import type { Leadership } from './leadership.js';

/**
 * Times of an election. A leader stops writing 3 s after its last renewal, a standby replaces it soon after, and the
 * bucket forgets a lease 4 s after its last renewal. What they leave to chance, the compare-and-set of every write settles.
 */
export const ELECTION_TIMES = {
  ttlMs: STATE_BUCKETS.leader.ttlMs,
  renewMs: 1_000,
  /** How often a standby tries. */
  standbyMs: 200,
  /** Leadership is given up this long after the last renewal was sent. */
  patienceMs: 3_000,
  /** A standby that has seen a lease unchanged for this long takes it over. */
  silenceMs: 3_200,
} as const;

export interface ElectionOptions {
  /** Bucket `leader`, whose entries live for `ELECTION_TIMES.ttlMs`. */
  readonly bucket: StateBucket;
  /** Who stands, for people: the pod's name. */
  readonly identity: string;
  readonly clock: Clock;
  /** Milliseconds that go on while the process is stopped and never jump. Default `performance.now`. */
  readonly monotonicMs?: () => number;
  readonly logger: Logger;
  /** Hears whenever the store has answered. */
  readonly onContact?: () => void;
}

/** The one key of the bucket. */
const KEY = 'controller';

/**
 * Waits until this process leads. With a time to live on the whole bucket nobody hears of an expiry, and servers are late
 * with it, so a standby looks again and again: it creates the key when there is none, and replaces a lease that its own clock
 * has seen unchanged for too long. The term is the revision of that write: it only rises.
 *
 * @throws the signal's reason; AdctlError of the store that waiting does not mend.
 */
export async function awaitLeadership(options: ElectionOptions, signal: AbortSignal): Promise<Leadership> {
  const { bucket, identity, clock, logger, monotonicMs = () => performance.now() } = options;
  let seen: { readonly revision: number; readonly atMs: number } | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      const held = await bucket.get(KEY);
      const sentAt = monotonicMs();
      if (held !== null && held.revision !== seen?.revision) seen = { revision: held.revision, atMs: sentAt };
      const revision = await take(held, seen === undefined ? 0 : sentAt - seen.atMs);
      options.onContact?.();
      if (revision !== null) return keepLeadership({ ...options, monotonicMs }, revision, sentAt);
    } catch (error) {
      if (!isTransient(error)) throw error;
      logger.warn({ err: error }, 'standing for election failed; it is tried again');
    }
    await pause(clock, ELECTION_TIMES.standbyMs, signal);
  }

  /** @returns the revision of this candidate's lease; null when somebody else holds one. */
  async function take(held: StateEntry | null, unchangedMs: number): Promise<number | null> {
    if (held === null) return bucket.create(KEY, leaseOf(identity, clock));
    if (unchangedMs < ELECTION_TIMES.silenceMs) return null;
    return bucket.update(KEY, leaseOf(identity, clock), held.revision);
  }
}

function keepLeadership(
  { bucket, identity, clock, monotonicMs, logger, onContact }: ElectionOptions & { readonly monotonicMs: () => number },
  term: number,
  sentAt: number,
): Leadership {
  const lost = new AbortController();
  let revision = term;
  let renewedAt = sentAt;
  let cancel: () => void = () => undefined;

  const isStale = () => monotonicMs() - renewedAt >= ELECTION_TIMES.patienceMs;
  const end = (why: AdctlError) => {
    if (lost.signal.aborted) return;
    cancel();
    lost.abort(why);
  };
  /** Not only the timer finds out: after a pause of the whole process the first write asks before it is sent. */
  const holds = () => {
    if (!lost.signal.aborted && isStale()) end(leadershipLost(identity, 'it could not be renewed in time'));
    return !lost.signal.aborted;
  };
  const renew = async () => {
    if (!holds()) return;
    const renewal = monotonicMs();
    try {
      const next = await bucket.update(KEY, leaseOf(identity, clock), revision);
      if (next === null) return end(leadershipLost(identity, 'somebody else leads'));
      revision = next;
      renewedAt = renewal;
      onContact?.();
    } catch (error) {
      logger.warn({ err: error, term }, 'the leadership was not renewed');
    }
  };
  /** One renewal at a time: one that hangs in an outage is itself repeated by the store. */
  const tick = () => {
    if (!holds()) return;
    cancel = clock.after(ELECTION_TIMES.renewMs, tick);
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
  };
  let renewing: Promise<void> | undefined;
  cancel = clock.after(ELECTION_TIMES.renewMs, tick);

  return {
    term,
    holds,
    lost: lost.signal,
    async release() {
      const held = !lost.signal.aborted;
      end(leadershipLost(identity, 'it was let go'));
      await renewing;
      if (held) await bucket.delete(KEY, revision);
    },
  };
}

function leaseOf(identity: string, clock: Clock) {
  return { version: 1, holder: identity, renewedAt: new Date(clock.now()).toISOString() };
}

function isTransient(error: unknown): boolean {
  return error instanceof AdctlError && error.kind === 'transient';
}

/** Resolves after a time; rejects with the signal's reason. */
function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}
