import { natsBadOptions } from '../errors.js';
import type { BucketName } from '../state-store.js';
import { assertSubject } from '../subject-filter.js';
import type { Priority } from '../trial-queue.js';

/**
 * Every name adctl uses on a NATS server. One namespace is one deployment: two of them on one server share nothing. A
 * name is never used again for another incarnation: an ack that is still under way would hit the new stream's messages.
 */
export interface NatsNames {
  readonly jobs: string;
  readonly events: string;
  readonly metrics: string;
  /** Subject of a queued trial. */
  job(place: { class: string; priority: Priority; sweep: string; trial: string }): string;
  /** All jobs, or those of one class and priority. */
  jobFilter(place?: { readonly class: string; readonly priority: Priority }): string;
  /** The one consumer of a class and priority. */
  consumer(name: string, priority: Priority): string;
  /** Stream and subject of an event, or of a filter over events. */
  event(subject: string): { readonly stream: string; readonly subject: string };
  /** The event's subject as the log calls it. */
  fromEvent(natsSubject: string): string;
  bucketStream(bucket: BucketName): string;
  /** Subject of a key, a prefix filter or `>`. */
  bucketSubject(bucket: BucketName, key: string): string;
  /** Subject for a request of one caller, `*` for all callers. */
  api(caller: string, verb: string): string;
  /** The caller in the subject of a request, who the server's permissions vouch for. */
  callerOf(apiSubject: string): string;
  live(topic: string): string;
  fromLive(natsSubject: string): string;
}

export const DEFAULT_NAMESPACE = 'ad';
const NAMESPACE = /^[a-z][a-z0-9]{0,31}$/;

/** @throws AdctlError user `nats_bad_options` for a namespace that is not lower-case letters and digits. */
export function createNames(namespace = DEFAULT_NAMESPACE): NatsNames {
  if (!NAMESPACE.test(namespace)) {
    throw natsBadOptions(
      `${JSON.stringify(namespace)} is no namespace`,
      'Use up to 32 lower-case letters and digits, a letter first.',
    );
  }
  const upper = namespace.toUpperCase();
  const events = `${upper}_EVENTS`;
  const metrics = `${upper}_METRICS`;
  const live = `${namespace}.live.`;
  return {
    jobs: `${upper}_JOBS`,
    events,
    metrics,
    job({ class: name, priority, sweep, trial }) {
      assertSubject(name, 'class');
      const subject = `${namespace}.job.${name}.${priority}.${sweep}.${trial}`;
      assertSubject(subject, 'queue subject');
      return subject;
    },
    jobFilter: (place) =>
      place === undefined ? `${namespace}.job.>` : `${namespace}.job.${place.class}.${place.priority}.>`,
    consumer: (name, priority) => `w_${name}_${priority}`,
    event: (subject) =>
      subject.startsWith('metric.')
        ? { stream: metrics, subject: `${namespace}.${subject}` }
        : { stream: events, subject: `${namespace}.event.${subject}` },
    fromEvent: (subject) =>
      subject.startsWith(`${namespace}.event.`)
        ? subject.slice(namespace.length + '.event.'.length)
        : subject.slice(namespace.length + 1),
    bucketStream: (bucket) => `KV_${namespace}_${bucket}`,
    bucketSubject: (bucket, key) => `$KV.${namespace}_${bucket}.${key}`,
    api: (caller, verb) => `${namespace}.api.${caller}.${verb}`,
    callerOf: (subject) => subject.split('.')[2] ?? '',
    live: (topic) => `${live}${topic}`,
    fromLive: (subject) => subject.slice(live.length),
  };
}
