import { AdctlError } from '@adctl/protocol';
import { z } from 'zod';
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
import type { Peer } from './peer.js';

/** One call with its types: the answer is parsed by the operation's schema. */
export async function ask<N extends CallName>(
  peer: Peer,
  name: N,
  input: CallInput<N>,
  options: { readonly signal?: AbortSignal | undefined; readonly onAbort?: 'reject' | 'wait' } = {},
): Promise<CallOutput<N>> {
  return parseAnswer(name, CALLS[name].output, await peer.call(name, input, options)) as CallOutput<N>;
}

/** One stream with its types: every item is parsed by the operation's schema. */
export async function* askStream<N extends StreamName>(
  peer: Peer,
  name: N,
  input: StreamInput<N>,
  signal?: AbortSignal,
): AsyncGenerator<StreamItem<N>> {
  for await (const item of peer.stream(name, input, signal)) {
    yield parseAnswer(name, STREAMS[name].item, item) as StreamItem<N>;
  }
}

function parseAnswer(name: string, schema: z.ZodType, answer: unknown): unknown {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new AdctlError(`the controller's answer to ${name} is malformed: ${z.prettifyError(parsed.error)}`, {
    code: 'bad_answer',
    kind: 'permanent',
    hint: 'Let all terminals use the same version of adctl.',
    details: { method: name },
    cause: parsed.error,
  });
}
