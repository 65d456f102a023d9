import { AdctlError } from '@adctl/protocol';
import { natsNotPrepared } from '../errors.js';
import type { NatsMessage } from './core-nats.js';
import { parseDeliverySubject } from './delivery-subject.js';
import type { JetStream } from './jetstream.js';
import { isInterruption, isStreamMissing } from './jetstream-codes.js';
import { Mailbox, pause } from './mailbox.js';
import { hasFeature } from './server-version.js';
import { toNanos } from './settings.js';

export interface ReaderOptions {
  readonly stream: string;
  /** Subjects to read; never empty, because unfiltered consumers lose messages to purges (nats-server 2.9). */
  readonly filters: readonly string[];
  /** Covers all filters; used where the server takes only one. The reader of the messages has to look again then. */
  readonly widerFilter: string;
  /** First sequence wanted. */
  readonly from: number;
  readonly signal: AbortSignal;
  /** How long a pull waits for messages; an `idle` mark comes after a pull that gave none. */
  readonly waitMs: number;
}

/** A message as a reader gives it. */
export interface ReadMessage {
  readonly sequence: number;
  readonly message: NatsMessage;
}

const BATCH = 500;
const RETRY_PAUSE_MS = 250;
/** Servers make a consumer in milliseconds, or not at all: on a server that is down. */
const CREATE_TIMEOUT_MS = 3_000;
/** The server drops a reader's consumer when nobody pulled for this long. */
const INACTIVE_MS = 60_000;

/** What happens to a reader: a message, the connection came back, or it was refused. */
type Arrival = NatsMessage | 'reconnected' | { readonly denied: AdctlError };

/**
 * Reads a stream in order without holes or repeats, until the signal is aborted: through restarts of the server,
 * deleted consumers and lost messages, by making a new consumer behind the last message it gave out.
 *
 * The reader's pace is the limit: one batch is on its way at most.
 *
 * @throws AdctlError whatever making a consumer throws for good: permanent `nats_permission_denied`, transient `nats_not_prepared`.
 */
export async function* readStream(
  jetstream: JetStream,
  options: ReaderOptions,
): AsyncGenerator<ReadMessage | 'idle', void, undefined> {
  const signal = AbortSignal.any([options.signal, jetstream.client.closed]);
  let from = options.from;
  while (!signal.aborted) {
    const consumer = await createConsumer(jetstream, options, from, signal);
    if (consumer === null) return;
    try {
      for await (const item of readConsumer(jetstream, options, consumer, signal)) {
        if (item !== 'idle') from = item.sequence + 1;
        yield item;
        if (item === 'idle' && (await isBehind(jetstream, options, from))) break;
      }
    } finally {
      dropConsumer(jetstream, options.stream, consumer);
    }
  }
}

/** Nobody waits for it: the server drops what nobody pulls from by itself, a while later. */
function dropConsumer(jetstream: JetStream, stream: string, consumer: string): void {
  jetstream.client
    .request(`$JS.API.CONSUMER.DELETE.${stream}.${consumer}`, '', { timeoutMs: 5_000 })
    .catch(() => undefined);
}

/**
 * A consumer in the server's memory from a sequence on. Waits through outages. @returns null when the signal is aborted.
 *
 * Every attempt has a name of its own. In a cluster a consumer is placed on one server, now and then on one that is just
 * dying; asked for again by the same name, it would stay there, unanswered, and count as offline after some minutes.
 */
async function createConsumer(
  jetstream: JetStream,
  options: ReaderOptions,
  from: number,
  signal: AbortSignal,
): Promise<string | null> {
  while (!signal.aborted) {
    const name = `r_${crypto.randomUUID().replaceAll('-', '')}`;
    const config = readerConfig(jetstream, options, from);
    const filter = 'filter_subject' in config ? `.${config.filter_subject}` : '';
    try {
      const request = { stream_name: options.stream, config: { name, ...config } };
      await jetstream.once(`CONSUMER.CREATE.${options.stream}.${name}${filter}`, CREATE_TIMEOUT_MS, request);
      return name;
    } catch (error) {
      if (isStreamMissing(error)) throw natsNotPrepared(`stream ${options.stream}`, error);
      if (!isInterruption(error) && !signal.aborted) throw error;
      dropConsumer(jetstream, options.stream, name); // which may be made after all, when nobody waits for it any more
      await pause(jetstream.options.clock, RETRY_PAUSE_MS, signal);
    }
  }
  return null;
}

function readerConfig({ client }: JetStream, options: ReaderOptions, from: number) {
  const single = options.filters.length === 1 ? options.filters[0] : undefined;
  const filter = single ?? (hasFeature(client, 'manyFilters') ? undefined : options.widerFilter);
  return {
    deliver_policy: 'by_start_sequence',
    opt_start_seq: Math.max(from, 1),
    replay_policy: 'instant',
    ack_policy: 'none',
    max_deliver: 1,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: toNanos(INACTIVE_MS),
    ...(filter === undefined ? { filter_subjects: options.filters } : { filter_subject: filter }),
  } as const;
}

/** What one consumer gives, until it is of no use any more. */
async function* readConsumer(
  { client, options: { clock } }: JetStream,
  { stream, waitMs }: ReaderOptions,
  consumer: string,
  signal: AbortSignal,
): AsyncGenerator<ReadMessage | 'idle', void, undefined> {
  const mailbox = new Mailbox<Arrival>();
  const inbox = client.newInbox();
  const subscription = client.subscribe(
    inbox,
    (message) => mailbox.put(message),
    (denied) => mailbox.put({ denied }),
  );
  const stopListening = client.onReconnect(() => mailbox.put('reconnected'));
  const heartbeatMs = Math.max(Math.floor(waitMs / 3), 1);
  const pull = JSON.stringify({ batch: BATCH, expires: toNanos(waitMs), idle_heartbeat: toNanos(heartbeatMs) });
  let expected = 1;
  let onTheWay = 0;
  let sincePull = 0;
  try {
    while (!signal.aborted) {
      if (onTheWay === 0) {
        client.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, pull, { reply: inbox });
        onTheWay = BATCH;
        sincePull = 0;
      }
      // Between heartbeats the server may be busy; a whole pull without a sign of life is a lost one.
      const arrival = await mailbox.take(clock, waitMs + 1_000, signal);
      if (arrival === undefined || arrival === 'reconnected') return;
      if ('denied' in arrival) throw arrival.denied;
      if (arrival.status === undefined) {
        const { streamSequence, consumerSequence } = parseDeliverySubject(arrival.reply);
        if (consumerSequence !== expected) return; // something was lost on the way
        expected += 1;
        onTheWay -= 1;
        sincePull += 1;
        yield { sequence: streamSequence, message: arrival };
      } else if (arrival.status === 404 || arrival.status === 408) {
        onTheWay = 0;
        if (sincePull === 0) yield 'idle';
      } else if (arrival.status !== 100) {
        // 409 and 503: the consumer, its server or its leader went away.
        await pause(clock, RETRY_PAUSE_MS, signal);
        return;
      }
    }
  } finally {
    stopListening();
    void subscription.drain();
  }
}

/**
 * Whether the stream holds what an idle consumer should have given: servers have lost count after purges and restarts.
 * Also true when nobody can tell now: a new consumer will.
 */
async function isBehind(jetstream: JetStream, options: ReaderOptions, from: number): Promise<boolean> {
  try {
    return (await lastSequence(jetstream, options.stream, options.filters)) >= from;
  } catch (error) {
    if (error instanceof AdctlError && error.code === 'controller_unreachable') return true;
    throw error;
  }
}

/** The newest sequence of any of the filters, 0 when the stream holds none. */
export async function lastSequence(jetstream: JetStream, stream: string, filters: readonly string[]): Promise<number> {
  let last = 0;
  for (const filter of filters) last = Math.max(last, (await jetstream.lastMessage(stream, filter))?.sequence ?? 0);
  return last;
}
