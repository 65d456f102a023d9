import type { Clock } from '@adctl/messaging';
import type { HttpMethod, KubeConfig } from '@kubernetes/client-node';
import { fetch, type Response } from 'undici';
import { RequestContext } from './client-parts.js';
import { mayPass, Status, statusError, unreachableError } from './kube-errors.js';

/** What a request does, as metrics and RBAC name it. */
export type Verb = 'list' | 'watch' | 'create' | 'delete' | 'patch';

export interface KubeRequest {
  readonly verb: Verb;
  /** From the server's root. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface KubeAnswer {
  readonly body: unknown;
  /** What the server accepted but warns of (`Warning` headers). */
  readonly warnings: readonly string[];
}

export interface TransportOptions {
  readonly config: KubeConfig;
  readonly userAgent: string;
  readonly clock: Clock;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** Hears of every answer: the status code, or 0 when none came. */
  readonly onAnswer?: ((verb: Verb, status: number) => void) | undefined;
  readonly retry?: Partial<RetryRules> | undefined;
  /** Ends every request when it is aborted. */
  readonly life?: AbortSignal;
}

/** When a request is tried again. */
export interface RetryRules {
  /** Tries in all. Default 5. */
  readonly tries: number;
  /** Pause before the second try, doubled for each further one, each shortened by up to half. Default 250 ms. */
  readonly firstPauseMs: number;
  /** Longest pause; a longer `Retry-After` is obeyed up to `timeoutMs`. Default 8 s. */
  readonly longestPauseMs: number;
  /** Longest wait for one answer. Default 30 s. */
  readonly timeoutMs: number;
}

const METHODS: Readonly<Record<Verb, `${HttpMethod}`>> = {
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  delete: 'DELETE',
  patch: 'PATCH',
};

/**
 * Requests to the API server with the client library's configuration (kubeconfig, in-cluster tokens that rotate, proxies),
 * but with what the library lacks: retries, time limits, warnings, and watches whose silence is noticed.
 */
export class Transport {
  readonly #options: TransportOptions;
  readonly #retry: RetryRules;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#retry = { tries: 5, firstPauseMs: 250, longestPauseMs: 8_000, timeoutMs: 30_000, ...options.retry };
  }

  /**
   * Sends a request, again after 429 (obeying `Retry-After`), 500, 502, 503, 504 and lost connections. Only for requests that
   * may be repeated: a create must name its object, and its caller must expect 409 from a try that did get through.
   *
   * @throws AdctlError `kubernetes_refused`, `kubernetes_unreachable` (see `kube-errors.ts`).
   */
  async send(request: KubeRequest): Promise<KubeAnswer> {
    for (let tried = 1; ; tried++) {
      let waitMs: number | null = null;
      try {
        const response = await this.#fetch(request, AbortSignal.timeout(this.#retry.timeoutMs));
        if (response.ok) return { body: await readJson(request, response), warnings: warningsOf(response) };
        waitMs = retryAfterMs(response);
        throw statusError(request, response.status, await readStatus(response));
      } catch (error) {
        if (tried >= this.#retry.tries || !mayPass(error) || this.#isOver(request)) throw error;
        await this.#pause(waitMs ?? this.#pauseMs(tried), request.signal);
      }
    }
  }

  /**
   * Opens a watch: its answer's lines, as they come. One try; ends when the server ends it.
   * @throws as `send`, also while the lines are read.
   */
  async *lines(request: KubeRequest): AsyncGenerator<string> {
    const response = await this.#fetch(request);
    if (!response.ok) throw statusError(request, response.status, await readStatus(response));
    if (response.body === null) return;
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const chunk of response.body) {
        rest += decoder.decode(chunk, { stream: true });
        const lines = rest.split('\n');
        rest = lines.pop() ?? '';
        yield* lines.filter((line) => line !== '');
      }
    } catch (error) {
      throw unreachableError(request, error);
    }
  }

  async #fetch(request: KubeRequest, timeout?: AbortSignal): Promise<Response> {
    const { config, userAgent, onAnswer } = this.#options;
    const url = new URL((config.getCurrentCluster()?.server ?? '') + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    const method = METHODS[request.verb];
    const context = new RequestContext(url.toString(), method as HttpMethod);
    const signals = [request.signal, timeout, this.#options.life].filter((signal) => signal !== undefined);
    let response: Response;
    try {
      await config.applySecurityAuthentication(context);
      response = await fetch(url, {
        method,
        headers: {
          ...context.getHeaders(),
          Accept: 'application/json',
          'User-Agent': userAgent,
          // The library's default for patches, JSON Patch, does not take an object.
          ...(request.body === undefined ? {} : { 'Content-Type': contentTypeOf(request.verb) }),
        },
        signal: AbortSignal.any(signals),
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        ...(context.getDispatcher() === undefined ? {} : { dispatcher: context.getDispatcher() }),
      });
    } catch (error) {
      onAnswer?.(request.verb, 0);
      throw unreachableError(request, error);
    }
    onAnswer?.(request.verb, response.status);
    return response;
  }

  #isOver({ signal }: KubeRequest): boolean {
    return signal?.aborted === true || this.#options.life?.aborted === true;
  }

  #pauseMs(tried: number): number {
    const { firstPauseMs, longestPauseMs } = this.#retry;
    return Math.min(longestPauseMs, firstPauseMs * 2 ** (tried - 1)) * (1 - this.#options.random() / 2);
  }

  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(Math.min(ms, this.#retry.timeoutMs), resolve);
    for (const end of [signal, this.#options.life]) end?.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    cancel();
  }
}

const contentTypeOf = (verb: Verb) => (verb === 'patch' ? 'application/merge-patch+json' : 'application/json');

async function readJson(request: KubeRequest, response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    throw unreachableError(request, error); // cut off in the middle
  }
}

async function readStatus(response: Response): Promise<Status | null> {
  try {
    return Status.parse(await response.json());
  } catch {
    return null; // a proxy's page, or nothing: the status code has to do
  }
}

/** Seconds, as API servers write it; a date is not understood. */
function retryAfterMs(response: Response): number | null {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}

/** `299 - "text"`, several joined by commas. */
function warningsOf(response: Response): string[] {
  const header = response.headers.get('warning') ?? '';
  return [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'));
}
