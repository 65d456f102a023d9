import { AdctlError } from '@adctl/protocol';

/** What JetStream writes into the reply subject of a message it delivers. */
export interface DeliveryFacts {
  /** 1 for the first hand-out. */
  readonly deliveries: number;
  readonly streamSequence: number;
  /** Counts what this consumer delivered; a hole means that something was lost on the way. */
  readonly consumerSequence: number;
}

/**
 * Parses `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>`, or the longer
 * form with `<domain>.<account>` after `$JS.ACK` and a token at the end.
 *
 * @throws AdctlError permanent `nats_answer_not_understood`.
 */
export function parseDeliverySubject(reply: string | undefined): DeliveryFacts {
  const tokens = (reply ?? '').split('.');
  const first = tokens.length >= 11 ? 6 : 4;
  const [deliveries, streamSequence, consumerSequence] = tokens.slice(first, first + 3).map(Number);
  if (tokens[1] !== 'ACK' || !deliveries || !streamSequence || !consumerSequence) {
    throw new AdctlError(`${JSON.stringify(reply)} is no reply subject of JetStream`, {
      code: 'nats_answer_not_understood',
      kind: 'permanent',
      hint: 'Check that the server is a nats-server with JetStream.',
    });
  }
  return { deliveries, streamSequence, consumerSequence };
}
