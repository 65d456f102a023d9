import { openEmbedded } from '@adctl/messaging/embedded';
import { findMethod } from '@adctl/methods';
import { resultsPrefix, type SweepId, sha256, TrialRecord } from '@adctl/protocol';
import { createS3Store, type S3Store } from '@adctl/storage/s3';
import { type FakeS3, spoil, startFakeS3 } from '@adctl/storage/s3/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { pauseSweep, setSweep } from '../api/sweeps.js';
import { foldFacts } from '../apply/fold-facts.js';
import { writeSweep } from '../apply/write-trial.js';
import { type Controller, startController } from '../controller.js';
import { leadershipLost } from '../errors.js';
import { submitSweep } from '../intake.js';
import { reconcile } from '../reconcile.js';
import { disagreements } from '../testing/statuses.fixtures.js';
import { sweepFile, temporaryDirectory, testReading } from '../testing/test-deployment.fixtures.js';
import type { Leadership } from './leadership.js';

let folder: ReturnType<typeof temporaryDirectory>;
let messaging: ReturnType<typeof openEmbedded>;
let fake: FakeS3;
let leaders: Leader[];

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  folder = temporaryDirectory();
  messaging = openEmbedded({ directory: folder.directory });
  fake = await startFakeS3({ buckets: ['objects'] });
  leaders = [];
});

afterEach(async () => {
  for (const leader of leaders) await leader.end();
  await messaging.close();
  await fake.close();
  folder.remove();
  vi.unstubAllEnvs();
});

/** A controller that was elected; while it is stopped, its object store pauses between two tries. */
class Leader implements Leadership {
  readonly #lost = new AbortController();
  readonly lost = this.#lost.signal;
  /** Whether it knows nothing better. */
  believes = true;
  readonly store: S3Store;
  controller: Controller | undefined;
  #stopped: PromiseWithResolvers<void> | undefined;
  #pausing = Promise.withResolvers<void>();

  constructor(
    readonly term: number,
    deadlineMs?: number,
  ) {
    const sleep = async () => {
      this.#pausing.resolve();
      await this.#stopped?.promise;
    };
    this.store = createS3Store(
      { bucket: 'objects', endpoint: fake.endpoint, retry: deadlineMs === undefined ? {} : { deadlineMs } },
      { clock: { now: () => Date.now(), sleep } },
    );
    leaders.push(this);
  }

  get context() {
    if (this.controller === undefined) throw new Error('it does not lead');
    return this.controller.context;
  }

  holds(): boolean {
    if (!this.believes) this.#lost.abort(leadershipLost('test', 'it could not be renewed in time'));
    return this.believes;
  }

  async release(): Promise<void> {
    this.believes = false;
  }

  async lead(): Promise<Controller> {
    this.controller = await startController({
      messaging,
      objects: this.store,
      findCard: findMethod,
      codeVersionOf: () => sha256('code'),
      logger: pino({ level: 'silent' }),
      expectedSlots: { cpu: 1 },
      leadership: this,
    });
    await this.controller.settled(async () => undefined); // the objects are taken over
    return this.controller;
  }

  /** Refuses one put of an object and stops the process in the pause before the next try. @returns how the work ends. */
  async stopAtPut(prefix: string, work: (controller: Controller) => Promise<unknown>) {
    this.#stopped = Promise.withResolvers();
    this.#pausing = Promise.withResolvers();
    let refused = false;
    fake.setFaults(({ operation, key }) => {
      if (refused || operation !== 'PutObject' || !key.startsWith(prefix)) return null;
      refused = true;
      return { kind: 'refuse', code: 'SlowDown' };
    });
    const { controller } = this;
    if (controller === undefined) throw new Error('it does not lead');
    const ending = controller.settled(() => work(controller));
    await Promise.race([this.#pausing.promise, ending]);
    expect(refused).toBe(true);
    return { ending };
  }

  /** Goes on; `noticing` that it was stopped for too long, or as if the request were on its way already. */
  resume(noticing: boolean): void {
    this.believes = !noticing;
    this.#stopped?.resolve();
  }

  async end(): Promise<void> {
    this.resume(true);
    await this.controller?.close();
    this.store.close();
  }
}

async function submit(controller: Controller): Promise<SweepId> {
  const request = { source: sweepFile(), file: 'toy.yaml', directory: folder.directory, fresh: false } as const;
  const asked = { version: 1, ...request, ifActive: 'join', priority: 'normal' } as const;
  const { sweep } = await submitSweep(controller, asked, 'ann', testReading);
  await controller.settled(async () => undefined);
  return sweep;
}

const superseded = { code: 'controller_superseded' };
const agree = async (leader: Leader) => expect(await disagreements({ messaging, objects: leader.store })).toEqual([]);
const puts = (prefix: string) =>
  fake.requests.filter(({ operation, key }) => operation === 'PutObject' && key.startsWith(prefix)).length;
const records = async (sweep: SweepId) =>
  (await messaging.state.bucket('trial').entries(sweep)).map(({ value }) => TrialRecord.parse(value));

describe.each([
  ['pauses a sweep', (controller: Controller, sweep: SweepId) => pauseSweep(controller.context, sweep), 'paused'],
  [
    'ends a sweep',
    ({ context }: Controller, sweep: SweepId) => {
      const book = context.books.get(sweep)!;
      return writeSweep(context, book, { ...book.record, state: 'failed' });
    },
    'search',
  ],
])('a leader that is stopped while it %s', (_name, change, state) => {
  test.each([
    ['when it goes on, is refused by the object store', false, 1],
    ['and notices it, sends nothing more', true, 0],
  ])('%s', async (_how, noticing, sent) => {
    const old = new Leader(7);
    const sweep = await submit(await old.lead());
    await agree(old);
    const { ending } = await old.stopAtPut('v1/sweep/', (controller) => change(controller, sweep));

    const next = new Leader(9);
    await next.lead();
    const before = puts('v1/sweep/');
    old.resume(noticing);
    await expect(ending).rejects.toMatchObject(superseded);

    expect(puts('v1/sweep/') - before).toBe(sent);
    await agree(next);
    expect((await messaging.state.bucket('sweep').get(sweep))?.value).toMatchObject({ state, term: 9 });
    expect(next.controller?.stopped.aborted).toBe(false);
  });
});

describe('a final result that a controller writes', () => {
  const failed = {
    fact: 'attempt',
    generation: 0,
    attempt: {
      version: 1,
      attempt: 1,
      class: 'user',
      failure: { code: 'bad_value', kind: 'user', message: 'no such thing', details: {} },
      endedAt: new Date(0).toISOString(),
    },
  } as const;
  const fail = async (controller: Controller, sweep: SweepId) => {
    const book = controller.context.books.get(sweep)!;
    const [trial] = [...book.entries()];
    await foldFacts(controller.context, book, trial!.record.trial, [failed]);
  };
  const resultsOf = async ({ store }: Leader, sweep: SweepId) => {
    const keys: string[] = [];
    for await (const { key } of store.list(resultsPrefix(sweep))) keys.push(key);
    return keys;
  };

  test('is not sent by a leader that was deposed before it had decided', async () => {
    const old = new Leader(7);
    const first = await old.lead();
    const sweep = await submit(first);
    const next = new Leader(9);
    await next.lead();

    await expect(first.settled(() => fail(first, sweep))).rejects.toMatchObject(superseded);

    expect(await resultsOf(next, sweep)).toEqual([]);
  });

  test('is carried out by the successor of a leader that was stopped before it was stored', async () => {
    const old = new Leader(7);
    const sweep = await submit(await old.lead());
    const { ending } = await old.stopAtPut('v1/result/', (controller) => fail(controller, sweep));

    const next = new Leader(9);
    await next.lead();
    const ended = (await records(sweep)).filter(({ state }) => state === 'failed');
    old.resume(false);
    await expect(ending).rejects.toMatchObject(superseded);

    expect(ended).toMatchObject([{ term: 9, failures: [{ attempt: 1, class: 'user' }] }]);
    expect(ended[0]?.ending).toBeUndefined();
    expect(await resultsOf(next, sweep)).toHaveLength(1);
    expect((await records(sweep)).filter(({ state }) => state === 'failed')).toEqual(ended);
    expect(next.controller?.stopped.aborted).toBe(false);
  });
});

describe('a status that cannot be stored for now', () => {
  const failOnce = () => fake.setFaults(spoil('PutObject', { kind: 'refuse', code: 'SlowDown' }));
  const away = { kind: 'transient' };

  test.each([
    ['of a change', 'paused', (leader: Leader, sweep: SweepId) => pauseSweep(leader.context, sweep)],
    [
      'of a priority',
      'search',
      (leader: Leader, sweep: SweepId) => setSweep(leader.context, sweep, { priority: 'low' }),
    ],
  ])('%s is brought up to its record by the reconciler', async (_name, state, change) => {
    const leader = new Leader(7, 0);
    const controller = await leader.lead();
    const sweep = await submit(controller);

    failOnce();
    await expect(controller.settled(() => change(leader, sweep))).rejects.toMatchObject(away);
    expect(await disagreements({ messaging, objects: leader.store })).toHaveLength(1);
    await controller.settled(() => reconcile(controller.context));

    await agree(leader);
    expect((await messaging.state.bucket('sweep').get(sweep))?.value).toMatchObject({ state });
  });

  test('of a new sweep does not keep it from running', async () => {
    const leader = new Leader(7, 0);
    const controller = await leader.lead();
    fake.setFaults(({ operation, key }) =>
      operation === 'PutObject' && key.startsWith('v1/sweep/') ? { kind: 'refuse', code: 'SlowDown' } : null,
    );

    await expect(submit(controller)).rejects.toMatchObject(away);
    fake.setFaults(null);
    await controller.settled(() => reconcile(controller.context));

    const [book] = [...controller.context.books.values()];
    expect(book?.counts.dispatched).toBeGreaterThan(0);
    await agree(leader);
  });
});
