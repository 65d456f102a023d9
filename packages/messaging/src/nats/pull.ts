import type { AdctlError } from '@adctl/protocol';
import { natsNotPrepared } from '../errors.js';
import { PRIORITIES, type Priority } from '../trial-queue.js';
import type { NatsMessage } from './client.js';
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

type Arrival = NatsMessage | 'reconnected' | { readonly denied: AdctlError };

/** How a round of pulls ended. */
type Round = NatsMessage | 'nothing' | 'silence' | 'again' | 'refused' | 'no consumer';

export interface PullOptions {
  readonly class: string;
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Called when the class has no consumers; makes them where the role may. @returns whether it did. */
  readonly mend: () => Promise<boolean>;
}

/**
 * Pulls one message of a class: first a glance at each priority, highest first, then a wait for all of them at once. What
 * arrives beside the first message is given back at once.
 *
 * Refusals and missing consumers never make a busy loop: pauses grow up to two seconds.
 *
 * @returns null when the time is over or the signal was aborted.
 * @throws AdctlError transient `nats_not_prepared` when the class had no consumers for the whole wait; permanent `nats_permission_denied`.
 */
export async function pullOne(
  jetstream: JetStream,
  names: NatsNames,
  options: PullOptions,
): Promise<NatsMessage | null> {
  const pull = new Pull(jetstream, names, options);
  try {
    return await pull.run();
  } finally {
    await pull.end();
  }
}

class Pull {
  readonly #mailbox = new Mailbox<Arrival>();
  readonly #inbox: string;
  readonly #stops: (() => unknown)[];
  readonly #deadline: number;
  readonly #subjects = new Map<string, Priority>();
  readonly #signal: AbortSignal;

  constructor(
    private readonly jetstream: JetStream,
    private readonly names: NatsNames,
    private readonly options: PullOptions,
  ) {
    const { client } = jetstream;
    this.#signal = AbortSignal.any([options.signal, client.closed]);
    this.#deadline = jetstream.options.clock.now() + options.waitMs;
    this.#inbox = client.newInbox();
    for (const priority of PRIORITIES) this.#subjects.set(this.#subjectOf(priority), priority);
    const subscription = client.subscribe(
      `${this.#inbox}.*`,
      (message) => this.#mailbox.put(message),
      (denied) => this.#mailbox.put({ denied }),
    );
    this.#stops = [
      () => subscription.drain(),
      client.onReconnect(() => this.#mailbox.put('reconnected')),
      client.onDenied((subject, denied) => {
        if (this.#subjects.has(subject)) this.#mailbox.put({ denied });
      }),
    ];
  }

  async run(): Promise<NatsMessage | null> {
    let pauseMs = FIRST_PAUSE_MS;
    for (let first = true; ; first = false) {
      const round = (first ? await this.#glance() : undefined) ?? (await this.#wait());
      if (typeof round === 'object') return round;
      if (this.#signal.aborted) return null;
      const missing = round === 'no consumer' && !(await this.options.mend());
      if (round === 'refused' || missing) {
        await pause(this.jetstream.options.clock, Math.min(pauseMs, this.#left()), this.#signal);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      } else pauseMs = FIRST_PAUSE_MS;
      if (this.#left() > 0) continue;
      if (missing) throw natsNotPrepared(`a queue for class ${JSON.stringify(this.options.class)}`);
      return null;
    }
  }

  async end(): Promise<void> {
    for (const stop of this.#stops) await stop();
    // What the server had sent before it knew that nobody waits any more.
    for (const arrival of this.#mailbox.rest()) this.#returnIfMessage(arrival);
  }

  /** Asks for what is there now, one priority after the other. @returns undefined when nothing is. */
  async #glance(): Promise<Round | undefined> {
    for (const priority of PRIORITIES) {
      this.#pull(priority, { batch: 1, no_wait: true });
      const round = await this.#arrival(new Set([priority]), GLANCE_MS);
      if (round !== 'nothing' && round !== 'silence') return round;
    }
    return undefined;
  }

  /** Waits for any priority, one round. */
  async #wait(): Promise<Round> {
    const waitMs = Math.min(this.#left(), ROUND_MS);
    if (waitMs <= 0 || this.#signal.aborted) return 'nothing';
    for (const priority of PRIORITIES) this.#pull(priority, { batch: 1, expires: toNanos(waitMs) });
    const round = await this.#arrival(new Set(PRIORITIES), waitMs + SILENCE_MS);
    // nats-server 2.9 says nothing at all for a consumer that does not exist.
    return round === 'silence' && (await this.#isMissing()) ? 'no consumer' : round;
  }

  /** Whether any consumer of the class does not exist; false when nobody can tell now. */
  async #isMissing(): Promise<boolean> {
    const { client } = this.jetstream;
    for (const priority of PRIORITIES) {
      const consumer = this.names.consumer(this.options.class, priority);
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
  async #arrival(open: Set<Priority>, waitMs: number): Promise<Round> {
    const { clock } = this.jetstream.options;
    const end = clock.now() + waitMs;
    while (open.size > 0) {
      const arrival = await this.#mailbox.take(clock, end - clock.now(), this.#signal);
      if (arrival === undefined) return 'silence';
      if (arrival === 'reconnected') return 'again';
      if ('denied' in arrival) throw arrival.denied;
      if (arrival.status === undefined) return arrival;
      if (arrival.status === NO_CONSUMER) return 'no consumer';
      if (!isNothing(arrival.status)) return 'refused';
      open.delete(arrival.subject.slice(this.#inbox.length + 1) as Priority);
    }
    return 'nothing';
  }

  #pull(priority: Priority, request: object): void {
    const reply = `${this.#inbox}.${priority}`;
    this.jetstream.client.publish(this.#subjectOf(priority), JSON.stringify(request), { reply });
  }

  #subjectOf(priority: Priority): string {
    const consumer = this.names.consumer(this.options.class, priority);
    return `$JS.API.CONSUMER.MSG.NEXT.${this.names.jobs}.${consumer}`;
  }

  #left(): number {
    return this.#deadline - this.jetstream.options.clock.now();
  }

  #returnIfMessage(arrival: Arrival): void {
    if (typeof arrival === 'object' && 'text' in arrival && arrival.status === undefined) {
      giveBack(this.jetstream, arrival);
    }
  }
}
