import type { AdctlError } from '@adctl/protocol';
import { natsNotPrepared } from '../errors.js';
import { PRIORITIES, type Priority } from '../trial-queue.js';
import type { NatsMessage } from './core-nats.js';
import type { JetStream } from './jetstream.js';
import { isConsumerMissing, isInterruption } from './jetstream-codes.js';
import { Mailbox, pause } from './mailbox.js';
import type { NatsNames } from './names.js';
import { giveBack } from './nats-delivery.js';
import { toNanos } from './settings.js';

/** A pull that the server forgot (restart, new leader) is repeated after this long. */
const ROUND_MS = 5_000;
/**
 * Longest wait for the answer to "what is there now". nats-server 2.9 counts removed messages as pending and then stays
 * silent; what comes later is taken all the same.
 */
const GLANCE_MS = 100;
/** The server ends a waiting pull itself; when it does not by this much later, it knows of no pull. */
const SILENCE_MS = 250;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** NATS statuses of a pull that gave nothing. 404: nothing there; 408: time over; 409: refused; 503: no such consumer. */
const NO_CONSUMER = 503;
const isNothing = (status: number): boolean => status === 404 || status === 408;

type Arrival = NatsMessage | 'reconnected' | 'closed' | { readonly denied: AdctlError };

/** How a round of pulls ended. */
type Round = NatsMessage | 'nothing' | 'silence' | 'again' | 'refused' | 'no consumer';

export interface PullOptions {
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Called when the class has no consumers; makes them where the role may. @returns whether it did. */
  readonly mend: () => Promise<boolean>;
}

/**
 * Pulls messages of one class, one at a time: first a glance at each priority, highest first, then a wait for all of them at
 * once. What arrives beside a message is given back at once.
 *
 * A subscription costs a round trip to make and one to end, so it serves the next pull too, as long as no pull of the last
 * one is unanswered: its message would go to somebody who did not ask for it.
 *
 * Refusals and missing consumers never make a busy loop: pauses grow up to two seconds.
 */
export class Puller {
  readonly #mailbox = new Mailbox<Arrival>();
  readonly #inbox: string;
  readonly #stops: (() => unknown)[];
  readonly #subjects: ReadonlyMap<Priority, string>;
  /** Pulls that the server has not answered. */
  #unanswered = 0;
  #spoiled = false;
  #deadline = 0;

  constructor(
    private readonly jetstream: JetStream,
    private readonly names: NatsNames,
    private readonly className: string,
  ) {
    const { client } = jetstream;
    this.#inbox = client.newInbox();
    this.#subjects = new Map(PRIORITIES.map((priority) => [priority, this.#subjectOf(priority)]));
    const subscription = client.subscribe(
      `${this.#inbox}.*`,
      (message) => this.#mailbox.put(message),
      (denied) => this.#mailbox.put({ denied }),
    );
    const onClosed = () => this.#mailbox.put('closed');
    client.closed.addEventListener('abort', onClosed, { once: true });
    const subjects = new Set(this.#subjects.values());
    this.#stops = [
      () => subscription.drain(),
      () => client.closed.removeEventListener('abort', onClosed),
      client.onReconnect(() => this.#mailbox.put('reconnected')),
      client.onDenied((subject, denied) => {
        if (subjects.has(subject)) this.#mailbox.put({ denied });
      }),
    ];
  }

  /**
   * The next message. One call at a time.
   *
   * @returns null when the time is over, the signal was aborted or the connection closed.
   * @throws AdctlError transient `nats_not_prepared` when the class had no consumers for the whole wait; permanent `nats_permission_denied`.
   */
  async pull(options: PullOptions): Promise<NatsMessage | null> {
    const { clock } = this.jetstream.options;
    this.#deadline = clock.now() + options.waitMs;
    this.#giveBackRest(); // news of a time when nobody asked
    let pauseMs = FIRST_PAUSE_MS;
    for (let first = true; ; first = false) {
      const round = (first ? await this.#glance(options) : undefined) ?? (await this.#wait(options));
      if (typeof round === 'object') return round;
      if (this.#isOver(options)) return null;
      const missing = round === 'no consumer' && !(await options.mend());
      if (round === 'refused' || missing) {
        await pause(clock, Math.min(pauseMs, this.#left()), options.signal);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      } else pauseMs = FIRST_PAUSE_MS;
      if (this.#left() > 0) continue;
      if (missing) throw natsNotPrepared(`a queue for class ${JSON.stringify(this.className)}`);
      return null;
    }
  }

  /** Whether it may pull again: nothing can arrive any more that was asked for earlier. */
  isReusable(): boolean {
    return this.#unanswered === 0 && !this.#spoiled && !this.jetstream.client.closed.aborted;
  }

  /** Ends the subscription; what the server had sent before it knew is given back. */
  async end(): Promise<void> {
    for (const stop of this.#stops) await stop();
    this.#giveBackRest();
  }

  /** Asks for what is there now, one priority after the other. @returns undefined when nothing is. */
  async #glance(options: PullOptions): Promise<Round | undefined> {
    for (const priority of PRIORITIES) {
      this.#ask(priority, { batch: 1, no_wait: true });
      const round = await this.#arrival(new Set([priority]), GLANCE_MS, options);
      if (round !== 'nothing' && round !== 'silence') return round;
    }
    return undefined;
  }

  /** Waits for any priority, one round. */
  async #wait(options: PullOptions): Promise<Round> {
    const waitMs = Math.min(this.#left(), ROUND_MS);
    if (waitMs <= 0 || this.#isOver(options)) return 'nothing';
    for (const priority of PRIORITIES) this.#ask(priority, { batch: 1, expires: toNanos(waitMs) });
    const round = await this.#arrival(new Set(PRIORITIES), waitMs + SILENCE_MS, options);
    // nats-server 2.9 says nothing at all for a consumer that does not exist.
    return round === 'silence' && (await this.#isMissing()) ? 'no consumer' : round;
  }

  /** Whether any consumer of the class does not exist; false when nobody can tell now. */
  async #isMissing(): Promise<boolean> {
    const { client } = this.jetstream;
    for (const priority of PRIORITIES) {
      const consumer = this.names.consumer(this.className, priority);
      const verb = `CONSUMER.INFO.${this.names.jobs}.${consumer}`;
      try {
        await this.jetstream.once(verb, GLANCE_MS * 10);
      } catch (error) {
        if (isConsumerMissing(error)) return true;
        if (!isInterruption(error) && !client.closed.aborted) throw error;
      }
    }
    return false;
  }

  /** The first message, or why there is none once every open pull is answered or the time is over. */
  async #arrival(open: Set<Priority>, waitMs: number, { signal }: PullOptions): Promise<Round> {
    const { clock } = this.jetstream.options;
    const end = clock.now() + waitMs;
    while (open.size > 0) {
      const arrival = await this.#mailbox.take(clock, end - clock.now(), signal);
      if (arrival === undefined) return 'silence';
      if (arrival === 'closed') return 'nothing';
      if (arrival === 'reconnected') {
        this.#spoiled = true; // which pulls the server still knows of, nobody can tell
        return 'again';
      }
      if ('denied' in arrival) {
        this.#spoiled = true;
        throw arrival.denied;
      }
      this.#unanswered -= 1;
      if (arrival.status === undefined) return arrival;
      if (arrival.status === NO_CONSUMER) return 'no consumer';
      if (!isNothing(arrival.status)) return 'refused';
      open.delete(arrival.subject.slice(this.#inbox.length + 1) as Priority);
    }
    return 'nothing';
  }

  #ask(priority: Priority, request: object): void {
    const reply = `${this.#inbox}.${priority}`;
    this.#unanswered += 1;
    this.jetstream.client.publish(this.#subjects.get(priority) ?? '', JSON.stringify(request), { reply });
  }

  #subjectOf(priority: Priority): string {
    const consumer = this.names.consumer(this.className, priority);
    return `$JS.API.CONSUMER.MSG.NEXT.${this.names.jobs}.${consumer}`;
  }

  #isOver({ signal }: PullOptions): boolean {
    return signal.aborted || this.jetstream.client.closed.aborted;
  }

  #left(): number {
    return this.#deadline - this.jetstream.options.clock.now();
  }

  #giveBackRest(): void {
    for (const arrival of this.#mailbox.rest()) {
      if (typeof arrival === 'object' && 'text' in arrival && arrival.status === undefined) {
        giveBack(this.jetstream, arrival);
      }
    }
  }
}
