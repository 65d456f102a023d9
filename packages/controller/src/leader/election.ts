import { type Clock, type Messaging, STATE_BUCKETS, type StateBucket, type StateEntry } from '@adctl/messaging';
import { AdctlError } from '@adctl/protocol';
import type { Logger } from 'pino';
import { z } from 'zod';
import { leadershipLost } from '../errors.js';
import type { Leadership } from './leadership.js';

/**
 * Times of an election. A leader renews every second and stops writing 3 s after its last renewal; the bucket forgets a
 * lease 4 s after its last renewal. A standby replaces a leader whose connection has ended within a second, any
 * other one soon after it must have stopped. What they leave to chance, the compare-and-set of every write settles.
 */
export const ELECTION_TIMES = {
  ttlMs: STATE_BUCKETS.leader.ttlMs,
  renewMs: 1_000,
  /** How often a standby tries. */
  standbyMs: 200,
  /** Leadership is given up this long after the last renewal was sent. */
  patienceMs: 3_000,
  /** A standby that has seen a lease unchanged for this long takes it over when its holder is connected no more. */
  goneMs: 600,
  /** A standby that has seen a lease unchanged for this long takes it over. */
  silenceMs: 3_200,
} as const;

export interface ElectionOptions {
  /** Bucket `leader`, whose entries live for `ELECTION_TIMES.ttlMs`. */
  readonly bucket: StateBucket;
  /** Where a candidate listens, so that others see whether it is still connected. */
  readonly messaging: Pick<Messaging, 'control' | 'contact'>;
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

const LeaderLease = z.object({
  version: z.literal(1),
  /** For people. */
  holder: z.string(),
  /** The holder listens to it as long as it is connected. Leaders of earlier versions name none. */
  topic: z.string().optional(),
  /** For people: what a standby goes by is that the lease changes. */
  renewedAt: z.iso.datetime(),
});
type LeaderLease = z.infer<typeof LeaderLease>;

/** What a candidate brings to the election. */
interface Candidate extends ElectionOptions {
  readonly monotonicMs: () => number;
  /** Its lease as of now. */
  readonly lease: () => LeaderLease;
  /** Listens to its topic no more. */
  readonly leave: () => Promise<void>;
}

/**
 * Waits until this process leads. With a time to live on the whole bucket nobody hears of an expiry, and servers are late
 * with it, so a standby looks again and again: it creates the key when there is none, and replaces a lease that its own clock
 * has seen unchanged for too long. The term is the revision of that write: it only rises.
 *
 * @throws the signal's reason; AdctlError of the store that waiting does not mend.
 */
export async function awaitLeadership(options: ElectionOptions, signal: AbortSignal): Promise<Leadership> {
  const { clock, logger } = options;
  const monotonicMs = options.monotonicMs ?? (() => performance.now());
  const seen: SeenLease = { revision: undefined, sinceMs: 0 };
  let candidate: Candidate | undefined;
  try {
    for (;;) {
      signal.throwIfAborted();
      try {
        candidate ??= await appear(options, monotonicMs);
        const leadership = await stand(candidate, seen);
        if (leadership !== null) return leadership;
      } catch (error) {
        if (!isTransient(error)) throw error;
        logger.warn({ err: error }, 'standing for election failed; it is tried again');
      }
      await pause(clock, ELECTION_TIMES.standbyMs, signal);
    }
  } catch (error) {
    await candidate?.leave();
    throw error;
  }
}

/** Listens before the first lease names the topic: a leader that is connected is never missed. */
async function appear(options: ElectionOptions, monotonicMs: () => number): Promise<Candidate> {
  const { messaging, identity, clock } = options;
  const topic = `leader.${crypto.randomUUID()}`;
  return {
    ...options,
    monotonicMs,
    lease: () => ({ version: 1, holder: identity, topic, renewedAt: new Date(clock.now()).toISOString() }),
    leave: await messaging.control.subscribe(topic, () => undefined),
  };
}

/** The lease as a standby saw it last, and since when. */
interface SeenLease {
  revision: number | undefined;
  sinceMs: number;
}

/** One try. @returns null while somebody else holds the lease. */
async function stand(candidate: Candidate, seen: SeenLease): Promise<Leadership | null> {
  const { bucket, monotonicMs, lease, logger, onContact } = candidate;
  const held = await bucket.get(KEY);
  onContact?.();
  const nowMs = monotonicMs();
  if (held?.revision !== seen.revision) Object.assign(seen, { revision: held?.revision, sinceMs: nowMs });
  if (held !== null) {
    const why = await whyAbandoned(candidate, held, nowMs - seen.sinceMs);
    if (why === null) return null;
    logger.info({ why, lease: held.value }, 'takes the lease over');
  }
  const sentAt = monotonicMs();
  const revision = held === null ? await bucket.create(KEY, lease()) : await bucket.update(KEY, lease(), held.revision);
  return revision === null ? null : keepLeadership(candidate, revision, sentAt);
}

/** What speaks for the end of a lease's holder; null when nothing does. */
async function whyAbandoned(
  { messaging, clock }: Candidate,
  { value }: StateEntry,
  unchangedMs: number,
): Promise<'silent' | 'disconnected' | null> {
  if (unchangedMs >= ELECTION_TIMES.silenceMs) return 'silent';
  // After an outage the leader gets the same time to come back as this process got.
  const connectedMs = clock.now() - messaging.contact().sinceMs;
  if (Math.min(unchangedMs, connectedMs) < ELECTION_TIMES.goneMs) return null;
  const topic = LeaderLease.safeParse(value).data?.topic;
  return topic === undefined || (await messaging.control.hasListeners(topic)) ? null : 'disconnected';
}

function keepLeadership(
  { bucket, identity, clock, monotonicMs, logger, onContact, lease, leave }: Candidate,
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
      const next = await bucket.update(KEY, lease(), revision);
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
      await leave();
      if (held) await bucket.delete(KEY, revision);
    },
  };
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
