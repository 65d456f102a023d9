import type { ControlVerb } from '@adctl/protocol';
import type { Answer, Payload } from '../services/control-answers.js';
import type { ControllerClient } from '../services/controller-client.js';

type Answers = { readonly [V in ControlVerb]?: (payload: Payload<V>) => Answer<V> };

/** A controller whose answers a test writes down, and whose live messages it sends by hand. */
export interface FakeClient extends ControllerClient {
  /** Everything asked for, in order. */
  readonly asked: { readonly verb: ControlVerb; readonly payload: unknown }[];
  /** Sends a live message to whoever listens. */
  publish(topic: string, payload: unknown): void;
  /** Filters listened to now. */
  readonly listening: Set<string>;
}

export function createFakeClient(answers: Answers): FakeClient {
  const asked: FakeClient['asked'] = [];
  const handlers = new Map<string, (topic: string, payload: unknown) => void>();
  const listening = new Set<string>();
  const request: FakeClient['request'] = async (verb, payload) => {
    asked.push({ verb, payload });
    const answer = answers[verb];
    if (answer === undefined) throw new Error(`the test gives no answer to ${verb}`);
    return answer(payload);
  };
  const client: FakeClient = {
    asked,
    listening,
    request,
    change: (verb, payload) => request(verb, payload),
    async subscribe(filter, handler) {
      handlers.set(filter, handler);
      listening.add(filter);
      return async () => {
        listening.delete(filter);
      };
    },
    publish(topic, payload) {
      for (const handler of handlers.values()) handler(topic, payload);
    },
    watching: () => client,
  };
  return client;
}
