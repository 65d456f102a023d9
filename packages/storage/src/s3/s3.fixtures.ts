import { afterEach, beforeEach, vi } from 'vitest';
import type { Clock } from './clock.js';
import { createS3Store, type S3Runtime, type S3Store } from './s3-store.js';
import type { S3Settings } from './settings.js';
import { type FakeS3, type FakeS3Options, startFakeS3 } from './testing/index.js';

export const ACCESS_KEY_ID = 'AKIAFIXTUREKEYID';
export const SECRET = 'fixture+secret/that+must+not+appear';

/** Gives the SDK's chain credentials for each test of the file. */
export function useCredentials(): void {
  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', ACCESS_KEY_ID);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET);
  });
  afterEach(() => vi.unstubAllEnvs());
}

/** A clock on which every sleep is over at once, and its time counted. */
export function createInstantClock(): Clock {
  let time = 0;
  return {
    now: () => time,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      time += ms;
    },
  };
}

/** Time that goes on, to the next sleeper, whenever all the work it was given sleeps. */
export class SimulatedClock implements Clock {
  #time = 0;
  readonly #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#time;
  }

  sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sleepers.push({ at: this.#time + ms, wake: resolve });
    this.#sleepers.sort((a, b) => a.at - b.at);
    return promise;
  }

  /** Runs until all the work is done. Each piece may do one thing at a time. */
  async run<T>(work: readonly Promise<T>[]): Promise<T[]> {
    let unfinished = work.length;
    const results = Promise.all(work.map((piece) => piece.finally(() => (unfinished -= 1))));
    const over = results.then(
      () => true,
      () => true,
    );
    while (unfinished > 0) {
      const turn = new Promise<false>((resolve) => setImmediate(resolve, false));
      if (await Promise.race([over, turn])) break;
      if (this.#sleepers.length < unfinished) continue;
      const next = this.#sleepers.shift();
      if (next === undefined) continue;
      this.#time = Math.max(this.#time, next.at);
      next.wake();
    }
    return results;
  }
}

/** Uniform in [0, 1), the same numbers for the same seed (Park and Miller's generator). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
}

export interface Bench {
  readonly fake: FakeS3;
  readonly store: S3Store;
  /** Another client of the same bucket. */
  another(settings?: Partial<S3Settings>, runtime?: S3Runtime): S3Store;
}

/** Runs a test against a fresh fake with a bucket `objects`, on an instant clock unless told otherwise. */
export async function withS3(
  test: (bench: Bench) => Promise<void>,
  options: {
    readonly fake?: FakeS3Options;
    readonly settings?: Partial<S3Settings>;
    readonly runtime?: S3Runtime;
  } = {},
): Promise<void> {
  const fake = await startFakeS3({ buckets: ['objects'], ...options.fake });
  const stores: S3Store[] = [];
  const another = (settings?: Partial<S3Settings>, runtime?: S3Runtime) => {
    const defaults = { clock: createInstantClock(), random: createRandom(7) };
    const store = createS3Store(
      { bucket: 'objects', endpoint: fake.endpoint, ...settings },
      { ...defaults, ...runtime },
    );
    stores.push(store);
    return store;
  };
  try {
    await test({ fake, store: another(options.settings, options.runtime), another });
  } finally {
    for (const store of stores) store.close();
    await fake.close();
  }
}
