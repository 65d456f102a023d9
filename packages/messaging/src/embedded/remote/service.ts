import { AdctlError } from '@adctl/protocol';
import { z } from 'zod';
import type { ControlChannel } from '../../control-channel.js';
import type { EventLog } from '../../event-log.js';
import type { StateStore } from '../../state-store.js';
import type { SqliteTrialQueue } from '../sqlite-trial-queue.js';
import {
  CALLS,
  type CallInput,
  type CallName,
  type CallOutput,
  STREAMS,
  type StreamInput,
  type StreamItem,
  type StreamName,
} from './operations.js';
import type { Peer, Service } from './peer.js';
import { TopicBuffer } from './topic-buffer.js';

/** The controller's own messaging, as the socket offers it. */
export interface LocalParts {
  readonly queue: SqliteTrialQueue;
  readonly events: EventLog;
  readonly state: StateStore;
  readonly control: ControlChannel;
}

type CallHandlers = { [N in CallName]: (input: CallInput<N>, signal: AbortSignal) => Promise<CallOutput<N>> };
type StreamHandlers = {
  [N in StreamName]: (input: StreamInput<N>, signal: AbortSignal) => AsyncIterable<StreamItem<N>>;
};

/** Answers one connection from the local parts. `attach` tells it the connection's peer, before the first call. */
export function createService(parts: LocalParts): { service: Service; attach: (peer: Peer) => void } {
  const attached: { peer?: Peer } = {};
  const peer = () => {
    if (attached.peer === undefined) throw new Error('a call came before the connection was set up');
    return attached.peer;
  };
  const calls = createCallHandlers(parts, peer);
  const streams = createStreamHandlers(parts);
  return {
    attach(connection) {
      attached.peer = connection;
    },
    service: {
      async call(method, input, signal) {
        return callByName(calls, assertKnown(CALLS, method), input, signal);
      },
      stream: (method, input, signal) => streamByName(streams, assertKnown(STREAMS, method), input, signal),
    },
  };
}

function callByName<N extends CallName>(handlers: CallHandlers, name: N, input: unknown, signal: AbortSignal) {
  return handlers[name](parseInput(name, CALLS[name].input, input) as CallInput<N>, signal);
}

function streamByName<N extends StreamName>(handlers: StreamHandlers, name: N, input: unknown, signal: AbortSignal) {
  return handlers[name](parseInput(name, STREAMS[name].input, input) as StreamInput<N>, signal);
}

function createCallHandlers({ queue, events, state, control }: LocalParts, peer: () => Peer): CallHandlers {
  const serving = new Map<string, () => Promise<void>>();
  return {
    'queue.publish': (entry) => queue.publish(entry),
    'queue.next': async (options, signal) => {
      const delivery = await queue.next({ ...options, signal });
      if (delivery === null) return null;
      const { sequence, deliveries, assignment } = delivery;
      return { sequence, deliveries, assignment };
    },
    'queue.remove': ({ sequence }) => queue.remove(sequence),
    'queue.nak': async ({ sequence, class: name, delayMs }) => {
      await queue.giveBack(sequence, name, delayMs);
      return null;
    },
    'queue.working': async ({ sequence }) => {
      await queue.restartAckWait(sequence);
      return null;
    },
    'queue.contents': async () => [...(await queue.contents())],
    'events.append': ({ subject, data, once }) => events.append(subject, data, { once }),
    'events.appendAll': async (input) => {
      await events.appendAll(input.events);
      return null;
    },
    'events.purge': async ({ filter }) => {
      await events.purge(filter);
      return null;
    },
    'state.get': ({ bucket, key }) => state.bucket(bucket).get(key),
    'state.create': ({ bucket, key, value }) => state.bucket(bucket).create(key, value),
    'state.update': ({ bucket, key, value, revision }) => state.bucket(bucket).update(key, value, revision),
    'state.put': ({ bucket, key, value }) => state.bucket(bucket).put(key, value),
    'state.purge': ({ bucket, prefix, revision }) => state.bucket(bucket).purge(prefix, revision),
    'state.delete': ({ bucket, key, revision }) => state.bucket(bucket).delete(key, revision ?? undefined),
    'control.request': ({ verb, payload, timeoutMs }, signal) => control.request(verb, payload, { timeoutMs, signal }),
    'control.publish': async ({ topic, payload }) => {
      await control.publish(topic, payload);
      return null;
    },
    'control.hasListeners': ({ topic }) => control.hasListeners(topic),
    'control.serve': async ({ verb }) => {
      const far = peer();
      const stop = await control.serve(verb, (payload, caller) =>
        far.call('control.answer', { verb, payload, caller }),
      );
      serving.set(verb, stop);
      far.closed.addEventListener('abort', () => void stop(), { once: true });
      return null;
    },
    'control.unserve': async ({ verb }) => {
      await serving.get(verb)?.();
      serving.delete(verb);
      return null;
    },
    'control.answer': async ({ verb }) => {
      throw new AdctlError(`the controller was asked to answer ${verb} as a client`, { code: 'bad_call', kind: 'bug' });
    },
  };
}

function createStreamHandlers({ events, state, control }: LocalParts): StreamHandlers {
  return {
    'events.read': ({ filter, from, limit }) => events.read(filter, { from, ...(limit === null ? {} : { limit }) }),
    'events.follow': ({ filter, from }, signal) => events.follow(filter, { from, signal }),
    async *'state.entries'({ bucket, prefix }) {
      yield* await state.bucket(bucket).entries(prefix);
    },
    'state.watch': ({ bucket, prefix }, signal) => state.bucket(bucket).watch(prefix, signal),
    async *'control.subscribe'({ filter }, signal) {
      const buffer = new TopicBuffer();
      const stop = await control.subscribe(filter, (topic, payload) => buffer.push({ topic, payload }));
      try {
        yield 'ready';
        yield* buffer.messages(signal);
      } finally {
        await stop();
      }
    },
  };
}

function assertKnown<T extends object>(table: T, name: string): keyof T {
  if (Object.hasOwn(table, name)) return name as keyof T;
  throw new AdctlError(`nothing answers to ${name} on this socket`, {
    code: 'bad_call',
    kind: 'permanent',
    hint: 'Let all terminals use the same version of adctl.',
    details: { method: name },
  });
}

function parseInput(name: string, schema: z.ZodType, input: unknown): unknown {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new AdctlError(`the input of ${name} is malformed: ${z.prettifyError(parsed.error)}`, {
    code: 'bad_call',
    kind: 'bug',
    details: { method: name },
    cause: parsed.error,
  });
}
