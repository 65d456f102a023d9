import type { Clock, LeaseTimes, StateBucket } from '@adctl/messaging';
import { Lease, type WorkerId } from '@adctl/protocol';

/** A claim on a trial: as long as it is held, nobody else may train the trial or write its result. */
export interface Claim {
  /** The fencing token. */
  readonly attempt: number;
  /**
   * Renews the claim until `release` or the returned function is called.
   *
   * @param renewed called after every renewal, to renew the queue's message too; its failures are left to the queue.
   * @param lost called once, when the claim is gone: `fenced` by somebody's higher attempt, `unreachable` when it could not
   *   be renewed for the whole patience.
   */
  keep(renewed: () => Promise<void>, lost: (why: 'fenced' | 'unreachable') => void): () => void;
  /** Lets go, so that the next claim need not wait; harmless when the claim is lost. */
  release(): Promise<void>;
}

export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly claim: Claim }
  /** Somebody renewed it within the ack wait. */
  | { readonly kind: 'held' }
  /** Somebody else was faster. */
  | { readonly kind: 'lost-race' };

export interface ClaimOptions {
  readonly bucket: StateBucket;
  /** `<sweep>.<trial>`. */
  readonly key: string;
  readonly worker: WorkerId;
  /** Claims the trial's record knows of; the lease may know of more. */
  readonly recordAttempt: number;
  readonly times: LeaseTimes;
  /** How long the claim is kept without a renewal when nobody answers. */
  readonly patienceMs: number;
  /** Since when the store can be reached, see `Messaging.contact`. */
  readonly backSinceMs: number;
  readonly clock: Clock;
}

/**
 * Claims a trial by compare-and-set, with the next attempt number. A released lease, an expired one, and one of this very
 * worker (from before a crash; two slots never get one message at once) are free.
 */
export async function claimTrial(options: ClaimOptions): Promise<ClaimOutcome> {
  const { bucket, key, worker, recordAttempt, clock } = options;
  if (recordAttempt === 0) {
    // The usual case, spared a look: nobody has claimed it yet.
    const sentAt = clock.now();
    const revision = await bucket.create(key, toLease(1, worker, clock));
    if (revision !== null) return { kind: 'claimed', claim: createClaim(options, 1, { revision, at: sentAt }) };
  }
  const entry = await bucket.get(key);
  const lease = entry === null ? null : Lease.parse(entry.value);
  if (lease !== null && isLive(lease, options) && lease.worker !== worker) return { kind: 'held' };

  const attempt = Math.max(recordAttempt, lease?.attempt ?? 0) + 1;
  const value = toLease(attempt, worker, clock);
  const sentAt = clock.now();
  const revision = entry === null ? await bucket.create(key, value) : await bucket.update(key, value, entry.revision);
  if (revision === null) return { kind: 'lost-race' };
  return { kind: 'claimed', claim: createClaim(options, attempt, { revision, at: sentAt }) };
}

function createClaim(options: ClaimOptions, attempt: number, first: { revision: number; at: number }): Claim {
  const { bucket, key, worker, times, patienceMs, clock } = options;
  let { revision } = first;
  let stopKeeping: () => void = () => undefined;

  /** Writes the lease. @returns whether it is still ours. */
  const write = async (released: boolean): Promise<boolean> => {
    const value = { ...toLease(attempt, worker, clock), ...(released ? { released } : {}) };
    const next = (await bucket.update(key, value, revision)) ?? (await updateAfterLostAnswer(value));
    if (next !== null) revision = next;
    return next !== null;
  };
  /** A refused write may follow one of ours whose answer got lost: then the lease there is ours, with a newer revision. */
  const updateAfterLostAnswer = async (value: Lease): Promise<number | null> => {
    const entry = await bucket.get(key);
    const lease = entry === null ? null : Lease.parse(entry.value);
    if (entry === null || lease?.attempt !== attempt || lease.worker !== worker || lease.released) return null;
    return await bucket.update(key, value, entry.revision);
  };

  return {
    attempt,
    keep(renewed, lost) {
      let ended = false;
      const end = (why?: 'fenced' | 'unreachable') => {
        if (ended) return;
        ended = true;
        cancelTick();
        cancelWatchdog();
        if (why !== undefined) lost(why);
      };
      // A write may also hang, so patience has its own timer, counted from when the last good write was sent.
      const watch = (since: number) => clock.after(since + patienceMs - clock.now(), () => end('unreachable'));
      const tick = async () => {
        const sentAt = clock.now();
        const held = await write(false).catch(() => undefined);
        if (ended) return;
        if (held === false) return end('fenced');
        if (held) {
          cancelWatchdog();
          cancelWatchdog = watch(sentAt);
          renewed().catch(() => undefined); // a message that cannot be renewed is handed out again; the claim decides
        }
        cancelTick = clock.after(held ? times.renewMs : times.renewMs / 4, () => void tick());
      };
      let cancelWatchdog = watch(first.at);
      let cancelTick = clock.after(times.renewMs, () => void tick());
      stopKeeping = () => end();
      return stopKeeping;
    },
    async release() {
      stopKeeping();
      await write(true);
    },
  };
}

function toLease(attempt: number, worker: WorkerId, clock: Clock): Lease {
  return { version: 1, attempt, worker, renewedAt: new Date(clock.now()).toISOString() };
}

/** After an outage every holder gets an ack wait to renew: it may have trained through it. */
function isLive(lease: Lease, { times, clock, backSinceMs }: ClaimOptions): boolean {
  const silentSince = Math.max(Date.parse(lease.renewedAt), backSinceMs);
  return !lease.released && clock.now() - silentSince < times.ackWaitMs;
}
