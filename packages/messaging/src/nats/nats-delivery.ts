import { TrialAssignment } from '@adctl/protocol';
import { queueMessageNotUnderstood } from '../errors.js';
import { fromJson } from '../json.js';
import type { Delivery } from '../trial-queue.js';
import type { NatsMessage } from './core-nats.js';
import { parseDeliverySubject } from './delivery-subject.js';
import type { JetStream } from './jetstream.js';
import { toNanos } from './settings.js';

/** Answers to a delivery (the wire protocol of JetStream acknowledgements). */
const ACK = '+ACK';
const WORKING = '+WPI';
const nak = (delayMs: number) => (delayMs <= 0 ? '-NAK' : `-NAK ${JSON.stringify({ delay: toNanos(delayMs) })}`);

/** One hand-out of a JetStream message; every answer waits until the server has it. */
export class NatsDelivery implements Delivery {
  readonly sequence: number;
  readonly deliveries: number;
  readonly assignment: TrialAssignment;
  readonly #reply: string;
  #acked = false;

  /** @throws AdctlError permanent `queue_message_not_understood`. */
  constructor(
    private readonly jetstream: JetStream,
    message: NatsMessage,
  ) {
    const { deliveries, streamSequence } = parseDeliverySubject(message.reply);
    this.#reply = message.reply ?? '';
    this.sequence = streamSequence;
    this.deliveries = deliveries;
    this.assignment = parseAssignment(message.text, streamSequence);
  }

  async ack(): Promise<void> {
    if (this.#acked) return;
    await this.jetstream.confirm(this.#reply, ACK);
    this.#acked = true;
  }

  async nak(delayMs = 0): Promise<void> {
    if (!this.#acked) await this.jetstream.confirm(this.#reply, nak(delayMs));
  }

  async working(): Promise<void> {
    if (!this.#acked) await this.jetstream.confirm(this.#reply, WORKING);
  }
}

/** @throws AdctlError permanent `queue_message_not_understood`. */
function parseAssignment(text: string, sequence: number): TrialAssignment {
  const assignment = TrialAssignment.safeParse(fromJson(text));
  if (!assignment.success) throw queueMessageNotUnderstood(sequence, assignment.error);
  return assignment.data;
}

/** Gives a message back that nobody waits for any more; the ack wait does it otherwise. */
export function giveBack(jetstream: JetStream, message: NatsMessage, delayMs = 0): void {
  if (message.reply !== undefined && !jetstream.client.closed.aborted) {
    jetstream.client.publish(message.reply, nak(delayMs));
  }
}
