import { AdctlError } from '@adctl/protocol';
import { asksForLess, classify, mayHaveHappened, type Trouble } from './classify.js';
import type { Clock } from './clock.js';
import { Parallelism } from './parallelism.js';
import { type Place, toStorageError } from './s3-errors.js';

export interface RetryPolicy {
  /** Longest pause before the second try; doubles with every try. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** From the first try on; then the error is final. */
  readonly deadlineMs: number;
  /**
   * Once a request was given up because the store does not answer, others are given up at once, but for one that asks every few
   * seconds whether it answers again: for callers that have better to do than to wait. Default false.
   */
  readonly giveUpTogether?: boolean;
}

/** One pause before another try, for logs and metrics. Holds no secret. */
export interface RetryNote extends Place {
  readonly trouble: Trouble;
  readonly tries: number;
  readonly delayMs: number;
}

export interface RetryContext {
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly maxParallel: number;
  readonly onRetry: ((note: RetryNote) => void) | undefined;
}

/** What an action knows of the tries before it. */
export interface EarlierTries {
  /** Whether one of them may have taken effect without our hearing of it. */
  readonly mayHaveHappened: boolean;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** See `WriteOptions.beforeTry`. */
  readonly beforeTry?: (() => void) | undefined;
  /** Instead of the policy's. */
  readonly deadlineMs?: number | undefined;
}

/** How often one request asks a store that does not answer. */
const ASK_AGAIN_MS = 5_000;

/** Tries for what the SDK mends between two tries: it corrects its clock, and fetches credentials anew. */
const IDENTITY_TRIES = 4;

/**
 * The loop around every request: full-jitter back-off until a deadline, fewer requests at a time when throttled. The SDK's
 * own retries are off: their shared budget runs out just when a store throttles, and requests fail after one try.
 */
export class RetryLoop {
  readonly #context: RetryContext;
  readonly #parallelism: Parallelism;
  /** What the store did instead of answering, and when it is asked again; see `RetryPolicy.giveUpTogether`. */
  #away: { readonly error: unknown; readonly trouble: Trouble; readonly askAgainAt: number } | undefined;

  constructor(context: RetryContext) {
    this.#context = context;
    this.#parallelism = new Parallelism(context.maxParallel);
  }

  /** Requests that may be under way now; lower after throttling. */
  get parallelism(): number {
    return this.#parallelism.limit;
  }

  /**
   * Runs an action until it returns or fails for good.
   * @param action must be safe to repeat, with the help of what it is told of earlier tries.
   * @throws the signal's reason; what `beforeTry` throws; the action's own `AdctlError`; for all else what `toStorageError` makes of it.
   */
  async run<T>(place: Place, action: (earlier: EarlierTries) => Promise<T>, options: RunOptions = {}): Promise<T> {
    const { policy, clock, random, onRetry } = this.#context;
    const { signal, beforeTry, deadlineMs = policy.deadlineMs } = options;
    const start = clock.now();
    if (this.#away !== undefined) {
      const { error, trouble, askAgainAt } = this.#away;
      if (start < askAgainAt) throw toStorageError(error, trouble, place, { tries: 0, elapsedMs: 0 });
      this.#away = { error, trouble, askAgainAt: start + ASK_AGAIN_MS }; // this one asks
    }
    let happened = false;
    for (let tries = 1; ; tries += 1) {
      signal?.throwIfAborted();
      const outcome = await this.#try(action, { mayHaveHappened: happened }, beforeTry);
      if ('answer' in outcome) {
        this.#away = undefined;
        return outcome.answer;
      }
      signal?.throwIfAborted();
      const { error } = outcome;
      if (error instanceof AdctlError) throw error;
      const trouble = classify(error);
      const isSilent = trouble === 'unreachable' || trouble === 'failing';
      if (!isSilent) this.#away = undefined;
      happened ||= mayHaveHappened(trouble);
      const elapsedMs = clock.now() - start;
      const hopeless = trouble === 'final' || (trouble === 'identity' && tries >= IDENTITY_TRIES);
      if (hopeless || elapsedMs >= deadlineMs || this.#away !== undefined) {
        if (isSilent && policy.giveUpTogether === true) {
          this.#away = { error, trouble, askAgainAt: clock.now() + ASK_AGAIN_MS };
        }
        throw toStorageError(error, trouble, place, { tries, elapsedMs });
      }
      const longest = Math.min(policy.longestDelayMs, policy.firstDelayMs * 2 ** (tries - 1));
      const delayMs = Math.min(random() * longest, deadlineMs - elapsedMs);
      onRetry?.({ ...place, trouble, tries, delayMs });
      await clock.sleep(delayMs, signal);
    }
  }

  #try<T>(action: (earlier: EarlierTries) => Promise<T>, earlier: EarlierTries, beforeTry?: () => void) {
    return this.#parallelism.hold(async (slowDown): Promise<{ readonly answer: T } | { readonly error: unknown }> => {
      beforeTry?.(); // behind the wait for its turn
      try {
        return { answer: await action(earlier) };
      } catch (error) {
        if (asksForLess(error)) slowDown();
        return { error };
      }
    });
  }
}
