import { join } from 'node:path';
import type { BucketName } from '@adctl/messaging';
import { createManualClock } from '@adctl/messaging/contracts';
import { openEmbedded } from '@adctl/messaging/embedded';
import { findMethod } from '@adctl/methods';
import { SweepRecord, sha256, TrialRecord } from '@adctl/protocol';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pauseSweep } from '../api/sweeps.js';
import { createTrial, writeTrial } from '../apply/write-trial.js';
import { type Controller, startController } from '../controller.js';
import { submitSweep } from '../intake.js';
import { passUntil as letTimePassUntil } from '../testing/pass-until.fixtures.js';
import { disagreements } from '../testing/statuses.fixtures.js';
import { sweepFile, temporaryDirectory, testReading } from '../testing/test-deployment.fixtures.js';
import { awaitLeadership, ELECTION_TIMES, type ElectionOptions } from './election.js';
import type { Leadership } from './leadership.js';

const logger = pino({ level: 'silent' });
const clock = createManualClock();
let folder: ReturnType<typeof temporaryDirectory>;
let messaging: ReturnType<typeof openEmbedded>;
let candidates: Candidate[];

beforeEach(() => {
  folder = temporaryDirectory();
  messaging = openEmbedded({ directory: folder.directory, clock });
  candidates = [];
});

afterEach(async () => {
  for (const candidate of candidates) await candidate.end();
  await messaging.close();
  folder.remove();
});

/** A process that stands for election; while it is paused its timers do not fire and it does not notice that time passes. */
class Candidate {
  paused = false;
  #behindMs = 0;
  #pausedAt = 0;
  #stop = new AbortController();
  controller: Controller | undefined;
  leadership: Leadership | undefined;
  /** Since when it is connected. */
  connectedSinceMs = 0;
  readonly #subscriptions: (() => Promise<void>)[] = [];

  constructor(
    readonly identity: string,
    readonly bucket: BucketName = 'leader',
  ) {
    candidates.push(this);
  }

  pause(): void {
    this.paused = true;
    this.#pausedAt = clock.now();
  }

  /** Continues; `noticing` the time that has passed, or as if the next step were already under way. */
  resume(noticing: boolean): void {
    this.paused = false;
    if (!noticing) this.#behindMs += clock.now() - this.#pausedAt;
  }

  elect(): Promise<Leadership> {
    const after = (ms: number, callback: () => void): (() => void) =>
      clock.after(ms, () => {
        if (this.paused) after(ELECTION_TIMES.standbyMs, callback);
        else callback();
      });
    return awaitLeadership(
      {
        bucket: messaging.state.bucket(this.bucket),
        messaging: this.#connection(),
        identity: this.identity,
        clock: { now: () => clock.now(), after },
        monotonicMs: () => (this.paused ? this.#pausedAt : clock.now()) - this.#behindMs,
        logger,
      },
      this.#stop.signal,
    );
  }

  /** As when its process is killed: nothing runs any more, and what it had subscribed to is gone. */
  async kill(): Promise<void> {
    this.pause();
    for (const unsubscribe of this.#subscriptions) await unsubscribe();
  }

  #connection(): ElectionOptions['messaging'] {
    const { control } = messaging;
    return {
      contact: () => ({ isThere: true, sinceMs: this.connectedSinceMs }),
      control: {
        request: (...asked) => control.request(...asked),
        serve: (...served) => control.serve(...served),
        publish: (...published) => control.publish(...published),
        hasListeners: (topic) => control.hasListeners(topic),
        subscribe: async (...wanted) => {
          const unsubscribe = await control.subscribe(...wanted);
          this.#subscriptions.push(unsubscribe);
          return unsubscribe;
        },
      },
    };
  }

  async lead(): Promise<Controller> {
    this.leadership = await passUntil(this.elect());
    this.controller = await startController({
      messaging,
      objects: createFilesystemStore(join(folder.directory, 'objects')),
      findCard: findMethod,
      codeVersionOf: () => sha256('code'),
      logger,
      expectedSlots: { cpu: 1 },
      leadership: this.leadership,
    });
    return this.controller;
  }

  async end(): Promise<void> {
    this.#stop.abort(new Error('ended'));
    await this.controller?.close();
    await this.leadership?.release();
  }
}

const passUntil = <T>(something: Promise<T>) => letTimePassUntil(clock, something);

const submit = (controller: Controller) =>
  submitSweep(
    controller,
    {
      version: 1,
      source: sweepFile(),
      file: 'toy.yaml',
      directory: folder.directory,
      fresh: false,
      ifActive: 'join',
      priority: 'normal',
    },
    'ann',
    testReading,
  );
const stored = async (sweep: string) => SweepRecord.parse((await messaging.state.bucket('sweep').get(sweep))?.value);

describe('leader election', () => {
  test('one leads, the other waits; it takes over within 5 s of the last renewal, with a higher term', async () => {
    const first = await passUntil(new Candidate('first').elect());
    const waiting = new Candidate('second').elect();
    let second: Leadership | undefined;
    void waiting.then((leadership) => {
      second = leadership;
    });
    await passUntil(new Promise<void>((resolve) => clock.after(10_000, resolve)));
    expect(second).toBeUndefined();
    expect(first.holds()).toBe(true);

    candidates[0]!.pause();
    const diedAt = clock.now();
    await passUntil(waiting);

    expect(clock.now() - diedAt).toBeLessThanOrEqual(5_000);
    expect(second!.term).toBeGreaterThan(first.term);
    candidates[0]!.resume(true);
    expect(first.holds()).toBe(false);
    await second!.release();
  });

  test('a lease that is not renewed is taken over although the store does not forget it', async () => {
    const first = await passUntil(new Candidate('first', 'identity').elect()); // a bucket without a time to live
    const waiting = new Candidate('second', 'identity').elect();
    await passUntil(new Promise<void>((resolve) => clock.after(10_000, resolve)));
    expect(first.holds()).toBe(true);

    candidates[0]!.pause();
    const diedAt = clock.now();
    const second = await passUntil(waiting);

    expect(clock.now() - diedAt).toBeGreaterThanOrEqual(ELECTION_TIMES.patienceMs - ELECTION_TIMES.renewMs);
    expect(clock.now() - diedAt).toBeLessThan(ELECTION_TIMES.ttlMs);
    expect(second.term).toBeGreaterThan(first.term);
    candidates[0]!.resume(true);
    expect(first.holds()).toBe(false);
  });

  test('a leader whose connection has ended is replaced before its lease ends', async () => {
    const first = await passUntil(new Candidate('first').elect());
    const waiting = new Candidate('second').elect();
    await passUntil(new Promise<void>((resolve) => clock.after(10_000, resolve)));

    const killedAt = clock.now();
    await candidates[0]!.kill();
    const second = await passUntil(waiting);

    const tookMs = clock.now() - killedAt;
    expect(tookMs).toBeLessThanOrEqual(ELECTION_TIMES.goneMs + 2 * ELECTION_TIMES.standbyMs);
    expect(second.term).toBeGreaterThan(first.term);
  });

  test('a connected leader that is late is left its full time', async () => {
    await passUntil(new Candidate('first').elect());
    const waiting = new Candidate('second').elect();
    await passUntil(new Promise<void>((resolve) => clock.after(10_000, resolve)));

    candidates[0]!.pause();
    const stoppedAt = clock.now();
    await passUntil(waiting);

    expect(clock.now() - stoppedAt).toBeGreaterThanOrEqual(ELECTION_TIMES.patienceMs - ELECTION_TIMES.renewMs);
  });

  test('after an outage a standby that is back first gives the leader time to come back', async () => {
    await passUntil(new Candidate('first').elect());
    const waiting = new Candidate('second').elect();
    await passUntil(new Promise<void>((resolve) => clock.after(10_000, resolve)));

    await candidates[0]!.kill();
    const backAt = clock.now() + ELECTION_TIMES.goneMs;
    candidates[1]!.connectedSinceMs = backAt;
    await passUntil(waiting);

    expect(clock.now() - backAt).toBeGreaterThanOrEqual(ELECTION_TIMES.goneMs);
  });

  test('a lease that names no topic is left its full time', async () => {
    const bucket = messaging.state.bucket('leader');
    const writtenAt = clock.now();
    await bucket.create('controller', { version: 1, holder: 'older', renewedAt: new Date(writtenAt).toISOString() });

    await passUntil(new Candidate('second').elect());

    expect(clock.now() - writtenAt).toBeGreaterThanOrEqual(ELECTION_TIMES.silenceMs);
  });

  test('a leader that ends lets go at once', async () => {
    const first = await passUntil(new Candidate('first').elect());
    const waiting = new Candidate('second').elect();
    await first.release();
    const before = clock.now();

    await passUntil(waiting);

    expect(clock.now() - before).toBeLessThanOrEqual(ELECTION_TIMES.standbyMs * 2);
    expect(first.holds()).toBe(false);
  });

  test('a leader that cannot renew gives up a second before its lease ends', async () => {
    const candidate = new Candidate('first');
    const before = clock.now();
    const leadership = await passUntil(candidate.elect());
    const after = clock.now();
    candidate.pause();
    clock.advance(before + ELECTION_TIMES.patienceMs - 1 - after);
    candidate.resume(true);
    expect(leadership.holds()).toBe(true);

    candidate.pause();
    clock.advance(after - before + 1);
    candidate.resume(true);

    expect(leadership.holds()).toBe(false);
    expect(clock.now() - before).toBeLessThan(ELECTION_TIMES.ttlMs);
  });
});

describe('two controllers at once', () => {
  test('one that continues after its lease, in the middle of a step, gets nothing written', async () => {
    const old = new Candidate('old');
    const first = await old.lead();
    const { sweep } = await submit(first);
    await first.settled(async () => undefined);
    const book = first.context.books.get(sweep)!;
    const [trial] = [...book.entries()];
    expect(trial?.record).toMatchObject({ state: 'dispatched', term: old.leadership!.term });

    old.pause();
    const next = new Candidate('new');
    const second = await next.lead();
    old.resume(false);
    expect(old.leadership!.holds()).toBe(true);
    const before = await stored(sweep);

    await expect(first.settled(() => pauseSweep(first.context, sweep))).rejects.toMatchObject({
      code: 'controller_superseded',
    });
    await expect(
      first.settled(() => writeTrial(first.context, book, trial!, { ...trial!.record, state: 'running', attempt: 1 })),
    ).rejects.toMatchObject({ code: 'controller_superseded' });

    expect(await stored(sweep)).toEqual(before);
    await second.settled(async () => undefined); // the objects are taken over
    expect(await disagreements({ messaging, objects: second.context.objects })).toEqual([]);
    expect(before).toMatchObject({ state: 'search', term: next.leadership!.term });
    const entries = await messaging.state.bucket('trial').entries(sweep);
    expect(entries.map(({ value }) => TrialRecord.parse(value).term)).toEqual(entries.map(() => next.leadership!.term));
    expect(second.stopped.aborted).toBe(false);
  });

  test('a trial that the old one still began is taken over by the new one', async () => {
    const old = new Candidate('old');
    const first = await old.lead();
    const { sweep } = await submit(first);
    await first.settled(async () => undefined);
    const book = first.context.books.get(sweep)!;
    const index = book.record.expanded;
    const { trial } = book.plan.at(index);
    const { record } = [...book.entries()][0]!;

    old.pause();
    const next = new Candidate('new');
    const second = await next.lead();
    old.resume(false);
    await createTrial(first.context, book, { ...record, trial, index });
    const newBook = second.context.books.get(sweep)!;
    const entry = await second.settled(() =>
      createTrial(second.context, newBook, { ...record, trial, index, dispatchedAt: new Date().toISOString() }),
    );

    expect(entry.record).toMatchObject({ trial, term: next.leadership!.term });
    expect(newBook.get(trial)).toEqual(entry);
    expect(second.stopped.aborted).toBe(false);
  });

  test('one that notices the pause stops by itself before it sends anything', async () => {
    const old = new Candidate('old');
    const first = await old.lead();
    const { sweep } = await submit(first);

    old.pause();
    await new Candidate('new').lead();
    old.resume(true);

    await expect(first.settled(() => pauseSweep(first.context, sweep))).rejects.toMatchObject({
      code: 'controller_superseded',
    });
    expect(first.stopped.aborted).toBe(true);
  });
});
