import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SweepId, TrialId } from '@adctl/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../contracts/index.js';
import { type Delivery, PRIORITIES, type Priority } from '../trial-queue.js';
import { type EmbeddedMessaging, openEmbedded } from './index.js';

const ACK_WAIT_MS = 100;
const WINDOW_MS = 250;

interface ModelMessage {
  readonly sequence: number;
  readonly class: string;
  readonly priority: Priority;
  readonly trial: string;
  deliveries: number;
  visibleAt: number;
  inFlight: boolean;
}

/** The queue as one would write it on paper: a list, a map of ids, and the time. */
class Model {
  now = 0;
  messages: ModelMessage[] = [];
  ids = new Map<string, { sequence: number; until: number }>();

  next(name: string): ModelMessage | undefined {
    return this.messages
      .filter((message) => message.class === name && message.visibleAt <= this.now)
      .sort((a, b) => PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority) || a.sequence - b.sequence)[0];
  }
}

interface Real {
  readonly clock: ManualClock;
  messaging: EmbeddedMessaging;
  readonly reopen: () => Promise<EmbeddedMessaging>;
  readonly held: Delivery[];
}

type Command = fc.AsyncCommand<Model, Real>;

class Publish implements Command {
  constructor(private readonly of: { name: string; priority: Priority; trial: string; id: string }) {}
  check = () => true;
  async run(model: Model, real: Real) {
    const { name, priority, trial, id } = this.of;
    const outcome = await real.messaging.queue.publish({
      class: name,
      priority,
      messageId: id,
      assignment: { version: 1, sweep: SweepId.parse('s'), trial: TrialId.parse(trial), generation: 0, specKey: 'k' },
    });
    const seen = model.ids.get(id);
    const there = model.messages.find((m) => m.class === name && m.priority === priority && m.trial === trial);
    const earlier = seen !== undefined && seen.until > model.now ? seen.sequence : there?.sequence;
    if (earlier !== undefined) {
      expect(outcome).toEqual({ sequence: earlier, duplicate: true });
      return;
    }
    expect(outcome.duplicate).toBe(false);
    model.ids.set(id, { sequence: outcome.sequence, until: model.now + WINDOW_MS });
    const { sequence } = outcome;
    model.messages.push({ sequence, class: name, priority, trial, deliveries: 0, visibleAt: 0, inFlight: false });
  }
  toString = () => `publish(${JSON.stringify(this.of)})`;
}

class Next implements Command {
  constructor(private readonly name: string) {}
  check = () => true;
  async run(model: Model, real: Real) {
    const delivery = await real.messaging.queue.next({ class: this.name, waitMs: 0 });
    const expected = model.next(this.name);
    if (expected === undefined) {
      expect(delivery).toBeNull();
      return;
    }
    expected.deliveries += 1;
    expected.inFlight = true;
    expected.visibleAt = model.now + ACK_WAIT_MS;
    expect(delivery).toMatchObject({ sequence: expected.sequence, deliveries: expected.deliveries });
    if (delivery !== null) real.held.push(delivery);
  }
  toString = () => `next(${this.name})`;
}

/** Something a holder does, late or not, with one of the deliveries ever made. */
class Hold implements Command {
  constructor(
    private readonly what: 'ack' | 'nak' | 'working' | 'remove',
    private readonly which: number,
    private readonly delayMs: number,
  ) {}
  check = () => true;
  async run(model: Model, real: Real) {
    const delivery = real.held[this.which % Math.max(real.held.length, 1)];
    if (delivery === undefined) return;
    const message = model.messages.find((candidate) => candidate.sequence === delivery.sequence);
    if (this.what === 'remove') {
      expect(await real.messaging.queue.remove(delivery.sequence)).toBe(message !== undefined);
    } else if (this.what === 'nak') await delivery.nak(this.delayMs);
    else await delivery[this.what]();

    if (this.what === 'ack' || this.what === 'remove') {
      model.messages = model.messages.filter((candidate) => candidate !== message);
    } else if (message?.inFlight) {
      message.inFlight = this.what === 'working';
      message.visibleAt = model.now + (this.what === 'working' ? ACK_WAIT_MS : this.delayMs);
    }
  }
  toString = () => `${this.what}(${this.which}, ${this.delayMs})`;
}

class Pass implements Command {
  constructor(private readonly ms: number) {}
  check = () => true;
  async run(model: Model, real: Real) {
    model.now += this.ms;
    real.clock.advance(this.ms);
  }
  toString = () => `pass(${this.ms})`;
}

class Look implements Command {
  check = () => true;
  async run(model: Model, real: Real) {
    const seen = (await real.messaging.queue.contents()).map(({ sequence, deliveries, inFlight, class: name }) => ({
      sequence,
      deliveries,
      inFlight,
      class: name,
    }));
    const expected = model.messages.map((message) => ({
      sequence: message.sequence,
      deliveries: message.deliveries,
      inFlight: message.inFlight && message.visibleAt > model.now,
      class: message.class,
    }));
    expect(seen).toEqual(expected);
  }
  toString = () => 'look';
}

/** The controller ends and starts again: nothing changes but that old deliveries belong to a closed connection. */
class Reopen implements Command {
  check = () => true;
  async run(_model: Model, real: Real) {
    real.messaging = await real.reopen();
    real.held.length = 0;
  }
  toString = () => 'reopen';
}

it('behaves as its model under any history of publishes, hand-outs, late answers, waits and restarts', async () => {
  const name = fc.constantFrom('cpu', 'gpu24');
  const publish = fc
    .record({
      name,
      priority: fc.constantFrom(...PRIORITIES),
      trial: fc.constantFrom('t1', 't2', 't3'),
      id: fc.constantFrom('i1', 'i2', 'i3', 'i4', 'i5', 'i6'),
    })
    .map((of) => new Publish(of));
  const commands = fc.commands(
    [
      publish,
      publish,
      name.map((of) => new Next(of)),
      name.map((of) => new Next(of)),
      fc
        .tuple(fc.constantFrom('ack', 'nak', 'working', 'remove'), fc.nat(5), fc.constantFrom(0, 50, 150))
        .map(([what, which, delay]) => new Hold(what as 'ack', which, delay)),
      fc.constantFrom(10, 50, 100, 300).map((ms) => new Pass(ms)),
      fc.constant(new Look()),
      fc.constant(new Reopen()),
    ],
    { maxCommands: 60, size: '+1' },
  );

  await fc.assert(
    fc.asyncProperty(commands, async (history) => {
      const directory = mkdtempSync(join(tmpdir(), 'adctl-model-'));
      const clock = createManualClock(0);
      const open = () => openEmbedded({ directory, clock, ackWaitMs: ACK_WAIT_MS, duplicateWindowMs: WINDOW_MS });
      const real: Real = {
        clock,
        messaging: open(),
        held: [],
        async reopen() {
          await real.messaging.close();
          return open();
        },
      };
      try {
        await fc.asyncModelRun(() => ({ model: new Model(), real }), history);
      } finally {
        await real.messaging.close();
        rmSync(directory, { recursive: true });
      }
    }),
    { numRuns: 60 },
  );
});
