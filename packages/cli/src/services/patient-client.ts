import { AdctlError, type ControlVerb } from '@adctl/protocol';
import type { ControllerClient, Watcher } from './controller-client.js';
import type { Pace } from './follow-sweep.js';
import { noLongerWatching } from './interrupts.js';

/** Requests that change nothing, so that asking again is harmless whatever became of the first time. */
const READS: ReadonlySet<ControlVerb> = new Set<ControlVerb>([
  'status',
  'sweeps.list',
  'sweeps.show',
  'trials.list',
  'trials.show',
  'trials.why',
  'trials.logs',
  'leaderboard',
]);
/** For a command that asks and ends: servers elect another leader and another controller takes over within this time. */
const SHORT_SECONDS = 30;
/** As long as workers train on without the broker: whoever watches them should not give up before they do. */
const LONG_SECONDS = 300;
const PAUSE_MS = 1_000;
/** A watcher who waits is told so after this long, and a watcher who has left waits this long for the last answers. */
const NOTICEABLE_SECONDS = 3;
const NEVER = new AbortController().signal;

export interface PatienceOptions {
  readonly client: ControllerClient;
  readonly pace: Pace;
  /** Aborted when the connection will not come back. */
  readonly closed: AbortSignal;
}

/**
 * A cluster's controller for whoever reads: what was answered once is asked again, for a while, when nobody answers. The first
 * request is not repeated; neither is any that changes something.
 */
export function createPatientClient(options: PatienceOptions): ControllerClient {
  const patience = new Patience(options);
  return {
    ...options.client,
    request: (verb, payload) => patience.request(verb, payload),
    watching(watcher) {
      const long = new Patience(options, watcher);
      return { ...options.client, request: (verb, payload) => long.request(verb, payload) };
    },
  };
}

class Patience {
  #wasAnswered: boolean;
  /** Since when there are requests without an answer. */
  #silentSince: number | undefined;
  #isTold = false;

  constructor(
    private readonly options: PatienceOptions,
    private readonly watcher?: Watcher,
  ) {
    this.#wasAnswered = watcher !== undefined; // who watches has found what to watch
  }

  readonly request: ControllerClient['request'] = async (verb, payload) => {
    const { client, pace, closed } = this.options;
    const deadline = pace.now() + (this.watcher === undefined ? SHORT_SECONDS : LONG_SECONDS);
    for (;;) {
      this.#silentSince ??= pace.now();
      try {
        const answer = await this.#unlessLeft(client.request(verb, payload));
        this.#noteAnswer();
        return answer;
      } catch (error) {
        const isAway = error instanceof AdctlError && error.code === 'controller_unreachable';
        if (!isAway) this.#noteAnswer(); // a refusal is one
        if (!isAway || !this.#wasAnswered || !READS.has(verb) || closed.aborted || pace.now() >= deadline) throw error;
        this.#tellSilence();
        await pace.wait(PAUSE_MS, this.watcher?.signal ?? NEVER);
        if (this.watcher?.signal.aborted === true) throw whyLeft(this.watcher.signal);
      }
    }
  };

  /** Waits for an answer, and says so when it takes long; for a watcher who has left not long. @throws AdctlError as `whyLeft` */
  async #unlessLeft<T>(answer: Promise<T>): Promise<T> {
    const signal = this.watcher?.signal;
    if (signal === undefined) return answer;
    const left = Promise.withResolvers<never>();
    const over = new AbortController();
    const noticeable = () => this.options.pace.wait(NOTICEABLE_SECONDS * 1_000, over.signal);
    const leave = async () => {
      await noticeable();
      left.reject(whyLeft(signal));
    };
    void noticeable().then(() => {
      if (!over.signal.aborted) this.#tellSilence();
    });
    if (signal.aborted) void leave();
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([answer, left.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      over.abort();
    }
  }

  #tellSilence(): void {
    const now = this.options.pace.now();
    if (this.#isTold || now - (this.#silentSince ?? now) < NOTICEABLE_SECONDS) return;
    this.#isTold = true;
    this.watcher?.say(
      `The cluster does not answer; waiting up to ${LONG_SECONDS / 60} minutes. Workers train on meanwhile.`,
    );
  }

  #noteAnswer(): void {
    if (this.#isTold && this.#silentSince !== undefined) {
      const seconds = Math.round(this.options.pace.now() - this.#silentSince);
      this.watcher?.say(`The cluster answers again, after ${seconds} s.`);
    }
    this.#wasAnswered = true;
    this.#silentSince = undefined;
    this.#isTold = false;
  }
}

/** Ctrl-C, or the reason why nothing can go on. */
function whyLeft(signal: AbortSignal): AdctlError {
  return signal.reason instanceof AdctlError ? signal.reason : noLongerWatching();
}
