import { AdctlError } from '@adctl/protocol';
import { z } from 'zod';
import type { Clock } from '../clock.js';
import { ackUnconfirmed, natsApiError, natsNotPrepared, natsUnreachable } from '../errors.js';
import type { NatsClient, NatsMessage } from './core-nats.js';
import {
  hintOf,
  isInterruption,
  isMessageMissing,
  isStreamMissing,
  isTimeout,
  mendsItself,
} from './jetstream-codes.js';
import { pause } from './mailbox.js';

const ApiProblem = z.object({ code: z.int(), err_code: z.int().optional(), description: z.string().optional() });
const ApiAnswer = z.object({ error: ApiProblem.optional() });
const PublishAnswer = z.object({ seq: z.int(), duplicate: z.boolean().optional() });
const StoredAnswer = z.object({
  message: z.object({
    subject: z.string(),
    seq: z.int(),
    hdrs: z.base64().optional(),
    data: z.base64().optional(),
  }),
});
const Anything = z.unknown();

/** A message read back from a stream by sequence or subject. */
export interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly text: string;
  header(name: string): string | undefined;
}

export interface PublishOptions {
  /** Two publishes with one id within the stream's duplicate window are one message. Default: an id of its own. */
  readonly messageId?: string;
  /** Accept only if the subject's last message has this sequence; 0: only if it has none. */
  readonly lastSequence?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface JetStreamOptions {
  readonly clock: Clock;
  /** How long a call tries again before it gives up. A leader's death in a cluster takes up to 8 s. */
  readonly patienceMs: number;
}

const ATTEMPT_TIMEOUT_MS = 5_000;
/** A server answers acks in milliseconds, or not at all: after a crash it may have forgotten a delivery. */
const CONFIRM_TIMEOUT_MS = 1_000;
const MOST_UNANSWERED = 3;
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * JetStream over its request subjects (`$JS.API.…`, publish acknowledgements). Every call outlives reconnects and leader
 * changes up to the patience, and is harmless when repeated: publishes carry an id.
 *
 * @throws AdctlError of every call: transient `controller_unreachable` when the patience ends; transient
 *   `nats_not_prepared` for a missing stream; permanent `nats_permission_denied`, `nats_api_error`.
 */
export class JetStream {
  constructor(
    readonly client: NatsClient,
    readonly options: JetStreamOptions,
  ) {}

  /** One call of the API, e.g. `STREAM.INFO.AD_JOBS`. */
  async api<T>(verb: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
    const text = body === undefined ? '' : JSON.stringify(body);
    return this.insist(verb, async () => parseAnswer(await this.#ask(`$JS.API.${verb}`, text), verb, schema));
  }

  /** Like `api`, for calls whose answer says nothing but that it was done. */
  async order(verb: string, body?: unknown): Promise<void> {
    await this.api(verb, body, Anything);
  }

  /**
   * Stores a message and resolves once the stream has it. `duplicate` tells of an earlier message with the given id.
   * @throws AdctlError permanent `nats_api_error`, e.g. for a compare-and-set that lost (`isWrongLastSequence`).
   */
  async publish(
    subject: string,
    text: string,
    { messageId = crypto.randomUUID(), lastSequence, headers = {} }: PublishOptions = {},
  ): Promise<{ sequence: number; duplicate: boolean }> {
    const all = {
      ...headers,
      'Nats-Msg-Id': messageId,
      ...(lastSequence === undefined ? {} : { 'Nats-Expected-Last-Subject-Sequence': String(lastSequence) }),
    };
    const answer = await this.insist(subject, async () =>
      parseAnswer(await this.#ask(subject, text, all), `a message to ${subject}`, PublishAnswer),
    );
    return { sequence: answer.seq, duplicate: answer.duplicate === true };
  }

  /** The newest message of a subject (wildcards allowed) in a stream, from the stream's leader, or null. */
  async lastMessage(stream: string, subject: string): Promise<StoredMessage | null> {
    try {
      const verb = `STREAM.MSG.GET.${stream}`;
      return toStored(await this.api(verb, { last_by_subj: subject }, StoredAnswer));
    } catch (error) {
      if (isMessageMissing(error)) return null;
      throw error;
    }
  }

  /** One attempt at a call of the API whose answer only matters as a failure. */
  async once(verb: string, timeoutMs: number, body?: unknown): Promise<void> {
    const text = body === undefined ? '' : JSON.stringify(body);
    parseAnswer(await this.client.request(`$JS.API.${verb}`, text, { timeoutMs }), verb, Anything);
  }

  /**
   * Answers a delivery and resolves once the server has taken note; through outages like every call.
   * @throws AdctlError transient `queue_ack_unconfirmed` when a server that can be reached takes no note: it knows of no such delivery, and will hand the message out again.
   */
  async confirm(reply: string, answer: string): Promise<void> {
    let unanswered = 0;
    await this.insist(reply, async () => {
      try {
        await this.client.request(reply, answer, { timeoutMs: CONFIRM_TIMEOUT_MS });
      } catch (error) {
        unanswered += isTimeout(error) ? 1 : 0;
        throw unanswered >= MOST_UNANSWERED ? ackUnconfirmed(error) : error;
      }
    });
  }

  /** Repeats an attempt that is interrupted; everything else it throws comes out as it is. */
  async insist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const { clock, patienceMs } = this.options;
    const { closed } = this.client;
    const deadline = clock.now() + patienceMs;
    for (let pauseMs = SHORTEST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      closed.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        if (isStreamMissing(error)) throw natsNotPrepared(`the stream behind ${what}`, error);
        if (!isInterruption(error) || closed.aborted) throw error;
        if (clock.now() + pauseMs >= deadline) {
          if (error instanceof AdctlError && error.hint !== undefined) throw error; // it says what is missing
          throw natsUnreachable(`${what} failed for ${patienceMs} ms`, error);
        }
        await pause(clock, pauseMs, closed);
      }
    }
  }

  #ask(subject: string, text: string, headers?: Readonly<Record<string, string>>): Promise<NatsMessage> {
    const timeoutMs = Math.min(ATTEMPT_TIMEOUT_MS, this.options.patienceMs);
    return this.client.request(subject, text, { timeoutMs, ...(headers === undefined ? {} : { headers }) });
  }
}

function parseAnswer<T>(message: NatsMessage, what: string, schema: z.ZodType<T>): T {
  const body: unknown = JSON.parse(message.text);
  const { error } = ApiAnswer.parse(body);
  if (error !== undefined) {
    throw natsApiError(what, error, { mendsItself: mendsItself(error), hint: hintOf(error) });
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new AdctlError(`the NATS server answered ${what} with something else`, {
    code: 'nats_answer_not_understood',
    kind: 'permanent',
    hint: 'Check that the subject is answered by JetStream and not by another service.',
    details: { what, issues: parsed.error.issues },
  });
}

function toStored({ message }: z.infer<typeof StoredAnswer>): StoredMessage {
  const headers = Buffer.from(message.hdrs ?? '', 'base64').toString();
  return {
    subject: message.subject,
    sequence: message.seq,
    text: Buffer.from(message.data ?? '', 'base64').toString(),
    // A block like HTTP's: a status line, then `Name: value` lines.
    header: (name) =>
      headers
        .split('\r\n')
        .find((line) => line.startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trim(),
  };
}
