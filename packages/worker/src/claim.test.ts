import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createLeaseTimes, type StateBucket } from '@adctl/messaging';
import { createManualClock, type ManualClock } from '@adctl/messaging/contracts';
import { type EmbeddedMessaging, openEmbedded } from '@adctl/messaging/embedded';
import { Lease, WorkerId } from '@adctl/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Claim, claimTrial } from './claim.js';

const KEY = 's-1.t-1';
const times = createLeaseTimes(60_000);
let directory: string;
let clock: ManualClock;
let messaging: EmbeddedMessaging;
let backSinceMs = 0;
let bucket: StateBucket;

beforeEach(() => {
  backSinceMs = 0;
  directory = mkdtempSync(join(tmpdir(), 'adctl-claim-'));
  clock = createManualClock();
  messaging = openEmbedded({ directory, clock });
  bucket = messaging.state.bucket('lease');
});
afterEach(async () => {
  await messaging.close();
  rmSync(directory, { recursive: true });
});

const attemptClaim = (worker = 'w-1', recordAttempt = 0, over: StateBucket = bucket) =>
  claimTrial({
    bucket: over,
    key: KEY,
    worker: WorkerId.parse(worker),
    recordAttempt,
    times,
    patienceMs: 45_000,
    backSinceMs,
    clock,
  });

async function claimed(...args: Parameters<typeof attemptClaim>): Promise<Claim> {
  const outcome = await attemptClaim(...args);
  if (outcome.kind !== 'claimed') throw new Error(outcome.kind);
  return outcome.claim;
}

const lease = async () => Lease.parse((await bucket.get(KEY))?.value);

/** Moves time, letting what it set off come to its end. */
async function advance(ms: number): Promise<void> {
  clock.advance(ms);
  for (let i = 0; i < 10; i++) await turn();
}

/** Keeps a claim and writes down what happens. */
function keep(claim: Claim): string[] {
  const heard: string[] = [];
  claim.keep(
    async () => void heard.push('renewed'),
    (why) => heard.push(why),
  );
  return heard;
}

describe('claimTrial', () => {
  test('numbers the first claim 1, and goes past what record and lease know', async () => {
    const first = await claimed();
    await first.release();

    expect(first.attempt).toBe(1);
    expect((await claimed('w-2', 4)).attempt).toBe(5);
  });

  test('leaves a living claim of another worker alone, until it runs out', async () => {
    await claimed('w-1');

    const early = await attemptClaim('w-2');
    clock.advance(times.ackWaitMs);
    const late = await attemptClaim('w-2');

    expect(early.kind).toBe('held');
    expect(late).toMatchObject({ kind: 'claimed', claim: { attempt: 2 } });
  });

  test('gives every holder an ack wait to renew after an outage', async () => {
    await claimed('w-1');
    clock.advance(2 * times.ackWaitMs);
    backSinceMs = clock.now();

    const early = await attemptClaim('w-2');
    clock.advance(times.ackWaitMs);

    expect(early.kind).toBe('held');
    expect(await attemptClaim('w-2')).toMatchObject({ kind: 'claimed', claim: { attempt: 2 } });
  });

  test('takes its own claim of before a crash at once', async () => {
    await claimed('w-1');

    expect(await attemptClaim('w-1')).toMatchObject({ kind: 'claimed', claim: { attempt: 2 } });
  });

  test('loses a race instead of overwriting', async () => {
    await claimed('w-1').then((claim) => claim.release());
    const slow: StateBucket = {
      ...bind(bucket),
      async get(key) {
        const entry = await bucket.get(key);
        await claimed('w-2'); // in between
        return entry;
      },
    };

    expect((await attemptClaim('w-1', 1, slow)).kind).toBe('lost-race');
    expect((await lease()).worker).toBe('w-2');
  });
});

describe('a kept claim', () => {
  test('is renewed four times an ack wait, and then the message', async () => {
    const heard = keep(await claimed());

    for (let i = 0; i < 4; i++) await advance(times.renewMs);

    expect(heard).toEqual(['renewed', 'renewed', 'renewed', 'renewed']);
    expect(Date.parse((await lease()).renewedAt)).toBe(clock.now());
  });

  test('is fenced by a higher attempt, once, and not written again', async () => {
    const claim = await claimed();
    const heard = keep(claim);
    const fence = { attempt: 2, worker: 'w-2', renewedAt: new Date(clock.now()).toISOString() };
    await bucket.put(KEY, fence);

    await advance(times.renewMs);
    await advance(times.renewMs);
    await claim.release();

    expect(heard).toEqual(['fenced']);
    expect((await bucket.get(KEY))?.value).toEqual(fence);
  });

  test('is given up as unreachable when nobody answers for as long as its patience', async () => {
    let dead = false;
    const silent: StateBucket = {
      ...bind(bucket),
      update: (...args) => (dead ? new Promise(() => undefined) : bucket.update(...args)),
    };
    const heard = keep(await claimed('w-1', 0, silent));
    await advance(times.renewMs);
    dead = true;

    await advance((times.ackWaitMs * 3) / 4 - 1);
    const before = [...heard];
    await advance(1);

    expect(before).toEqual(['renewed']);
    expect(heard).toEqual(['renewed', 'unreachable']);
  });

  test('survives a few errors, trying more often', async () => {
    let errors = 2;
    const shaky: StateBucket = {
      ...bind(bucket),
      async update(...args) {
        if (errors-- > 0) throw new Error('no answer');
        return await bucket.update(...args);
      },
    };
    const heard = keep(await claimed('w-1', 0, shaky));

    await advance(times.renewMs);
    await advance(times.renewMs / 4);
    await advance(times.renewMs / 4);

    expect(heard).toEqual(['renewed']);
  });

  test('is still ours when the answer to our own renewal got lost', async () => {
    let lost = true;
    const lossy: StateBucket = {
      ...bind(bucket),
      async update(...args) {
        const revision = await bucket.update(...args);
        if (!lost) return revision;
        lost = false;
        throw new Error('no answer');
      },
    };
    const heard = keep(await claimed('w-1', 0, lossy));

    await advance(times.renewMs);
    await advance(times.renewMs / 4);

    expect(heard).toEqual(['renewed']);
  });

  test('is free for anybody once released, and not renewed any more', async () => {
    const claim = await claimed('w-1');
    const heard = keep(claim);

    await claim.release();
    await advance(times.renewMs);

    expect(heard).toEqual([]);
    expect(await attemptClaim('w-2')).toMatchObject({ kind: 'claimed', claim: { attempt: 2 } });
  });
});

/** The members of a bucket as an object that can be spread. */
function bind(of: StateBucket): StateBucket {
  return {
    get: (key) => of.get(key),
    create: (key, value) => of.create(key, value),
    update: (key, value, revision) => of.update(key, value, revision),
    put: (key, value) => of.put(key, value),
    delete: (key, revision) => of.delete(key, revision),
    purge: (prefix, revision) => of.purge(prefix, revision),
    entries: (prefix) => of.entries(prefix),
    watch: (prefix, signal) => of.watch(prefix, signal),
  };
}
