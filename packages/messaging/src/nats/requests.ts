import type { AdctlError } from '@adctl/protocol';
import { natsInterrupted } from '../errors.js';
import type { NatsHeaders, NatsMessage } from './core-nats.js';

/** NATS status of an answer that the server gives in place of a service that is not there. */
const NO_RESPONDERS = 503;

interface Request {
  readonly subject: string;
  readonly text: string;
  readonly reply: string;
  readonly headers?: NatsHeaders | undefined;
}

/** The connection that requests go over. */
interface Transport {
  publish(request: Request): void;
  /** Begins to hand what arrives below the inbox to `answer`, or tells `refuse` that the server does not allow it. */
  listen(): void;
}

interface Waiting {
  readonly subject: string;
  readonly timer: NodeJS.Timeout;
  resolve(answer: NatsMessage): void;
  reject(error: unknown): void;
}

/**
 * Requests that wait for their answers: all share one inbox, each with a token of its own below it.
 *
 * Not the library's own requests: these make an error, with its stack, for every answer that comes, and know nothing of lost
 * connections.
 */
export class Requests {
  readonly #waiting = new Map<string, Waiting>();
  #count = 0;
  #isListening = false;

  constructor(
    private readonly inbox: string,
    private readonly transport: Transport,
  ) {}

  /**
   * Resolves with the first answer.
   * @throws AdctlError transient `nats_timeout`, `nats_no_responders`; what the transport throws; what the other methods are given.
   */
  ask(
    subject: string,
    text: string,
    { timeoutMs, headers }: { readonly timeoutMs: number; readonly headers?: NatsHeaders | undefined },
  ): Promise<NatsMessage> {
    this.#count += 1;
    const token = this.#count.toString(36);
    return new Promise((resolve, reject) => {
      const giveUp = () =>
        this.#take(token)?.reject(natsInterrupted('nats_timeout', `${subject}: no answer within ${timeoutMs} ms`));
      const timer = setTimeout(giveUp, timeoutMs);
      this.#waiting.set(token, { subject, timer, resolve, reject });
      try {
        if (!this.#isListening) this.transport.listen();
        this.#isListening = true;
        this.transport.publish({ subject, text, reply: `${this.inbox}.${token}`, headers });
      } catch (error) {
        this.#take(token);
        reject(error);
      }
    });
  }

  /** An answer has arrived; one that nobody waits for any more is dropped. */
  answer(message: NatsMessage): void {
    const waiting = this.#take(message.subject.slice(this.inbox.length + 1));
    if (waiting === undefined) return;
    if (message.status !== NO_RESPONDERS || message.text !== '') waiting.resolve(message);
    else waiting.reject(natsInterrupted('nats_no_responders', `${waiting.subject}: nobody answers there`));
  }

  /** Ends what was asked of a subject, e.g. because the server refuses it. */
  failSubject(subject: string, error: AdctlError): void {
    for (const [token, waiting] of this.#waiting) if (waiting.subject === subject) this.#take(token)?.reject(error);
  }

  /** The inbox may not be listened to: ends all of them. The next one tries again. */
  refuse(error: AdctlError): void {
    this.#isListening = false;
    this.failAll(error);
  }

  /** Ends all of them: no answer will come. */
  failAll(error: AdctlError): void {
    for (const token of this.#waiting.keys()) this.#take(token)?.reject(error);
  }

  #take(token: string): Waiting | undefined {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(token);
    clearTimeout(waiting.timer);
    return waiting;
  }
}
