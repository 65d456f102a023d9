import { TrialAssignment } from '@adctl/protocol';
import type { Delivery } from '../trial-queue.js';
import type { NatsMessage } from './client.js';
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

  /** @throws ZodError when the message is no assignment. */
  constructor(
    private readonly jetstream: JetStream,
    message: NatsMessage,
  ) {
    const { deliveries, streamSequence } = parseDeliverySubject(message.reply);
    this.#reply = message.reply ?? '';
    this.sequence = streamSequence;
    this.deliveries = deliveries;
    this.assignment = TrialAssignment.parse(JSON.parse(message.text));
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

/** Gives a message back that nobody waits for any more; the ack wait does it otherwise. */
export function giveBack(jetstream: JetStream, message: NatsMessage): void {
  if (message.reply !== undefined && !jetstream.client.closed.aborted) {
    jetstream.client.publish(message.reply, nak(0));
  }
}
