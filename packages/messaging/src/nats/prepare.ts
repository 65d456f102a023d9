import { z } from 'zod';
import { PRIORITIES } from '../trial-queue.js';
import type { JetStream } from './jetstream.js';
import { isStreamMissing } from './jetstream-codes.js';
import type { NatsNames } from './names.js';
import { consumerConfig, type StreamConfig, type StreamSettings, streamConfigs } from './settings.js';

const StreamInfo = z.object({ config: z.record(z.string(), z.unknown()) });

/** What `prepareNats` found and did. */
export interface Prepared {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly unchanged: readonly string[];
}

/**
 * Makes the streams and buckets that are missing and brings the settings of the others up to date; then the consumers of
 * the given classes. Harmless when repeated, also by two controllers at once.
 *
 * @throws AdctlError permanent `nats_api_error`, e.g. for copies on a server without a cluster or a stream whose kind can't be changed; transient while
 *   fewer servers are up than copies are wanted.
 */
export async function prepareStreams(
  jetstream: JetStream,
  options: { readonly names: NatsNames; readonly settings: StreamSettings; readonly classes: readonly string[] },
): Promise<Prepared> {
  const done = { created: [] as string[], updated: [] as string[], unchanged: [] as string[] };
  for (const wanted of streamConfigs(options.names, options.settings)) {
    done[await prepareStream(jetstream, wanted)].push(wanted.name);
  }
  for (const name of options.classes) await prepareConsumers(jetstream, name, options);
  return done;
}

/** Makes the consumers of a class, one a priority, or brings their settings up to date. */
export async function prepareConsumers(
  jetstream: JetStream,
  name: string,
  { names, settings }: { readonly names: NatsNames; readonly settings: StreamSettings },
): Promise<void> {
  for (const priority of PRIORITIES) {
    const config = consumerConfig(names, { class: name, priority }, settings);
    const verb = `CONSUMER.CREATE.${names.jobs}.${config.name}.${config.filter_subject}`;
    await jetstream.order(verb, { stream_name: names.jobs, config });
  }
}

async function prepareStream(jetstream: JetStream, wanted: StreamConfig): Promise<'created' | 'updated' | 'unchanged'> {
  const existing = await streamConfig(jetstream, wanted.name);
  if (existing === null) {
    await jetstream.order(`STREAM.CREATE.${wanted.name}`, wanted);
    return 'created';
  }
  const differs = Object.entries(wanted).some(
    // The server leaves out what is false or zero.
    ([key, value]) => JSON.stringify(existing[key] ?? emptyLike(value)) !== JSON.stringify(value),
  );
  if (!differs) return 'unchanged';
  await jetstream.order(`STREAM.UPDATE.${wanted.name}`, { ...existing, ...wanted });
  return 'updated';
}

const emptyLike = (value: unknown): unknown =>
  typeof value === 'number' ? 0 : typeof value === 'boolean' ? false : '';

async function streamConfig(jetstream: JetStream, stream: string): Promise<Record<string, unknown> | null> {
  try {
    return (await jetstream.api(`STREAM.INFO.${stream}`, undefined, StreamInfo)).config;
  } catch (error) {
    if (error instanceof Error && isStreamMissing(error.cause)) return null;
    throw error;
  }
}
