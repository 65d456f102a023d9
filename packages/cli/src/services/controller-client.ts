import type { ControlChannel } from '@adctl/messaging';
import { AdctlError, adminVerb, ControlRequest, type ControlVerb, type OwnedVerb } from '@adctl/protocol';
import { type Answer, ControlAnswer, type Payload } from './control-answers.js';

/** The controller as the commands see it: typed requests, and live topics. */
export interface ControllerClient {
  /**
   * Asks the controller.
   * @throws AdctlError what the controller answered, `controller_unreachable` (transient), or `answer_not_understood`
   * (permanent) when its answer is not what this version knows.
   */
  request<V extends ControlVerb>(verb: V, payload: Payload<V>): Promise<Answer<V>>;
  /** Asks for a change of a sweep; `asAdmin`: of anybody's, which only admins may. @throws as `request` */
  change<V extends OwnedVerb>(verb: V, payload: Payload<V>, as: { readonly asAdmin: boolean }): Promise<Answer<V>>;
  /** Listens to topics (`progress.<sweep>.>`) until the returned function is called. */
  subscribe(filter: string, handler: (topic: string, payload: unknown) => void): Promise<() => Promise<void>>;
  /** The same controller for somebody who stays: where it may come back, reading requests wait for it, and say so. */
  watching(watcher: Watcher): ControllerClient;
}

/** Who watches for long. */
export interface Watcher {
  /** Takes a line about a controller that does not answer. */
  readonly say: (line: string) => void;
  /** Aborted when they have left: requests that get no answer then end with its reason, or `interrupted` (transient). */
  readonly signal: AbortSignal;
}

/** A client over the channel of a running or embedded controller. */
export function createControllerClient(control: ControlChannel): ControllerClient {
  const ask = async <V extends ControlVerb>(verb: V, payload: Payload<V>, as: string): Promise<Answer<V>> => {
    const answer = await control.request(as, ControlRequest[verb].parse(payload));
    const parsed = ControlAnswer[verb].safeParse(answer);
    if (!parsed.success) throw answerNotUnderstood(verb, parsed.error);
    return parsed.data as Answer<typeof verb>;
  };
  const client: ControllerClient = {
    request: (verb, payload) => ask(verb, payload, verb),
    change: (verb, payload, { asAdmin }) => ask(verb, payload, asAdmin ? adminVerb(verb) : verb),
    subscribe: (filter, handler) => control.subscribe(filter, handler),
    watching: () => client,
  };
  return client;
}

/** Thrown when a controller of another version answers in a shape this one does not know. */
function answerNotUnderstood(verb: string, cause: unknown): AdctlError {
  return new AdctlError(`The controller's answer to ${verb} has a shape that this adctl does not know.`, {
    code: 'answer_not_understood',
    kind: 'permanent',
    hint: 'Another adctl version may be running there: stop it, or use that version here too.',
    details: { verb },
    cause,
  });
}
