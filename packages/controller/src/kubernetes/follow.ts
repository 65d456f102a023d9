import type { Clock } from '@adctl/messaging';
import type { Logger } from 'pino';
import { z } from 'zod';
import { isExpired, Status, statusError } from './kube-errors.js';
import type { Transport } from './transport.js';

/** Anything with the metadata that a cache needs. */
interface Resource {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
}

/** When a follower asks, waits and gives up on a connection. */
export interface FollowTimes {
  /** Life of one watch; the server ends it. Default 270 s. */
  readonly watchMs: number;
  /** A watch that sends nothing for so long, not even a bookmark (one a minute), is cut: it may be half open. Default 150 s. */
  readonly silenceMs: number;
  /** Everything is listed anew this often, whatever the watch said. Default 10 min. */
  readonly relistMs: number;
  /** Pause after a failure, doubled up to the longest, each shortened by up to half. Default 500 ms and 30 s. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export const FOLLOW_TIMES: FollowTimes = {
  watchMs: 270_000,
  silenceMs: 150_000,
  relistMs: 600_000,
  firstPauseMs: 500,
  longestPauseMs: 30_000,
};

export interface FollowOptions<T extends Resource> {
  readonly transport: Transport;
  /** Of the collection, e.g. `/api/v1/namespaces/ml/pods`. */
  readonly path: string;
  readonly labelSelector: string;
  readonly schema: z.ZodType<T>;
  /** Called after every change. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly times?: Partial<FollowTimes>;
}

const List = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.unknown()),
});
const WatchEvent = z.object({ type: z.string(), object: z.unknown() });
const Bookmark = z.object({ metadata: z.object({ resourceVersion: z.string() }) });
const PAGE = 500;
/** A watch that ended sooner was not a working one. */
const SHORTEST_WATCH_MS = 1_000;

/**
 * A picture of a collection, kept by listing and watching. Never trust it to have shown every event: look at what is there.
 *
 * A list begins; a watch goes on from it and is opened again from the last version seen when the server ends it. An expired
 * version (410, as a status or as an event in the stream), anything unexpected, and every `relistMs` begin with a list again.
 */
export class Follower<T extends Resource> {
  readonly #options: FollowOptions<T>;
  readonly #times: FollowTimes;
  readonly #byUid = new Map<string, T>();
  /** Versions at which objects were seen going, against late echoes of them; since the last list. */
  readonly #gone = new Map<string, string>();
  readonly #synced = Promise.withResolvers<void>();
  #lastSignMs: number;
  #lastMoveMs: number;
  #lists = 0;

  constructor(options: FollowOptions<T>) {
    this.#options = options;
    this.#times = { ...FOLLOW_TIMES, ...options.times };
    this.#lastSignMs = options.clock.now();
    this.#lastMoveMs = this.#lastSignMs;
  }

  /** Resolves once everything has been listed for the first time. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Lists completed so far. */
  get lists(): number {
    return this.#lists;
  }

  items(): T[] {
    return [...this.#byUid.values()];
  }

  /** How long the server has sent nothing, in ms. */
  silentMs(): number {
    return this.#options.clock.now() - this.#lastSignMs;
  }

  /** How long neither a sign nor a failure has come, in ms: every request and watch has a limit, so much more than that is a hang. */
  stuckMs(): number {
    return this.#options.clock.now() - this.#lastMoveMs;
  }

  /** Notes an object that the server gave in answer to a write, ahead of the watch. */
  note(item: T): void {
    if (!this.#isNews(item)) return;
    this.#byUid.set(item.metadata.uid, item);
  }

  /** Notes that an object was deleted, ahead of the watch. */
  forget(item: T): void {
    this.#byUid.delete(item.metadata.uid);
    this.#gone.set(item.metadata.uid, item.metadata.resourceVersion);
  }

  /** Follows until the signal is aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        let version = await this.#list(signal);
        failures = 0;
        const relistAtMs = this.#options.clock.now() + this.#times.relistMs;
        while (!signal.aborted && this.#options.clock.now() < relistAtMs) {
          const startedMs = this.#options.clock.now();
          version = await this.#watch(version, Math.min(this.#times.watchMs, relistAtMs - startedMs), signal);
          this.#lastMoveMs = this.#options.clock.now();
          const short = this.#lastMoveMs - startedMs < SHORTEST_WATCH_MS;
          if (short) await this.#pause(++failures, signal);
          else failures = 0;
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#lastMoveMs = this.#options.clock.now();
        const level = isExpired(error) ? 'debug' : 'warn';
        this.#options.logger[level]({ err: error, path: this.#options.path }, 'watch lost; everything is listed again');
        await this.#pause(++failures, signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { transport, path, labelSelector } = this.#options;
    const items: T[] = [];
    let next: string | undefined;
    let version: string;
    do {
      const { body } = await transport.send({
        verb: 'list',
        path,
        query: { labelSelector, limit: String(PAGE), ...(next === undefined ? {} : { continue: next }) },
        signal,
      });
      const page = List.parse(body);
      version = page.metadata.resourceVersion;
      next = page.metadata.continue || undefined;
      items.push(...page.items.flatMap((item) => this.#parse(item)));
    } while (next !== undefined);
    this.#byUid.clear();
    this.#gone.clear();
    for (const item of items) this.#byUid.set(item.metadata.uid, item);
    this.#heard();
    this.#lists += 1;
    this.#synced.resolve();
    this.#options.onChange();
    return version;
  }

  /** One watch. @returns the version to go on from. @throws what makes a list necessary. */
  async #watch(from: string, lifeMs: number, signal: AbortSignal): Promise<string> {
    const { transport, path, labelSelector, clock } = this.#options;
    const query = {
      ...{ labelSelector, watch: 'true', allowWatchBookmarks: 'true', resourceVersion: from },
      timeoutSeconds: String(Math.max(1, Math.ceil(lifeMs / 1000))),
    };
    const silent = new AbortController();
    const watchdog = () => clock.after(this.#times.silenceMs, () => silent.abort(new Error('the watch fell silent')));
    let cancel = watchdog();
    let version = from;
    try {
      const life = AbortSignal.any([signal, silent.signal]);
      for await (const line of transport.lines({ verb: 'watch', path, query, signal: life })) {
        cancel();
        cancel = watchdog();
        this.#heard();
        version = this.#take(line, version);
      }
      return version;
    } finally {
      cancel();
    }
  }

  #take(line: string, version: string): string {
    const event = WatchEvent.parse(JSON.parse(line));
    switch (event.type) {
      case 'BOOKMARK':
        return Bookmark.parse(event.object).metadata.resourceVersion;
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED': {
        const [item] = this.#parse(event.object);
        if (item === undefined) return version;
        if (this.#isNews(item)) {
          if (event.type === 'DELETED') this.forget(item);
          else this.#byUid.set(item.metadata.uid, item);
          this.#options.onChange();
        }
        return isNewer(item.metadata.resourceVersion, version) ? item.metadata.resourceVersion : version;
      }
      default: {
        const status = Status.safeParse(event.object);
        throw statusError({ verb: 'watch', path: this.#options.path }, 500, status.success ? status.data : null);
      }
    }
  }

  /** An object this version does not understand is left out, not a reason to stop. */
  #parse(object: unknown): T[] {
    const parsed = this.#options.schema.safeParse(object);
    if (parsed.success) return [parsed.data];
    this.#options.logger.error({ path: this.#options.path, issues: parsed.error.issues }, 'object not understood');
    return [];
  }

  /** A reconnect may repeat what was already seen. */
  #isNews({ metadata: { uid, resourceVersion } }: T): boolean {
    const seen = this.#byUid.get(uid)?.metadata.resourceVersion ?? this.#gone.get(uid);
    return seen === undefined || isNewer(resourceVersion, seen);
  }

  #heard(): void {
    this.#lastSignMs = this.#options.clock.now();
    this.#lastMoveMs = this.#lastSignMs;
  }

  async #pause(failures: number, signal: AbortSignal): Promise<void> {
    const { firstPauseMs, longestPauseMs } = this.#times;
    const { clock, random } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const longMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
    const cancel = clock.after(longMs * (1 - random() / 2), resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    cancel();
  }
}

/** Versions of one collection grow; servers that do not count up are taken at their word. */
function isNewer(version: string, than: string): boolean {
  const counts = /^\d+$/.test(version) && /^\d+$/.test(than);
  return counts ? BigInt(version) > BigInt(than) : version !== than;
}
