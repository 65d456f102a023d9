import { join } from 'node:path';
import type { Messaging } from '@adctl/messaging';
import { connectNats } from '@adctl/messaging/nats';
import { ResultEvent, TrialRecord, TrialResult } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';
import type { Cluster } from './cluster.ts';

/** The whole state, as only the controller may read it. */
export function connectAsController(cluster: Cluster): Promise<Messaging> {
  return connectNats({
    servers: [`nats://${cluster.nats.url}`],
    role: 'controller',
    identity: 'controller',
    credentials: { nkeySeedFile: join(cluster.folder, 'controller.nk') },
  });
}

export async function readRecords({ state }: Messaging, sweep: string): Promise<TrialRecord[]> {
  return (await state.bucket('trial').entries(sweep)).map(({ value }) => TrialRecord.parse(value));
}

export interface Audit {
  /** Result objects of the sweep. */
  readonly results: number;
  /** By how many attempts each of them was reached, from 1: how often, by number. */
  readonly attempts: Readonly<Record<number, number>>;
  /** Everything on which object store, records and events do not agree; empty when all is well. */
  readonly problems: readonly string[];
}

/**
 * Compares what four witnesses say of a sweep, each read by itself: the result objects, the trials' records, the stream of
 * result events, the queue. Of an ended sweep every trial must have exactly one result, one record and an event, everywhere
 * the same, and nothing is left in the queue. Whatever the records say is on its way must lie in the queue, or nobody will
 * ever train it. A trial of which one witness says nothing is a problem as much as one of which two say different things.
 */
export async function auditSweep(
  cluster: Cluster,
  { sweep, trials, objects }: { readonly sweep: string; readonly trials: number; readonly objects: ObjectStore },
): Promise<Audit> {
  const problems: string[] = [];
  const results = new Map<string, { readonly key: string; readonly result: TrialResult }>();
  for await (const { key } of objects.list(`v1/result/${sweep}/`)) {
    const object = await objects.get(key);
    if (object === null) continue;
    const result = TrialResult.parse(JSON.parse(Buffer.from(object.content).toString('utf8')));
    if (results.has(result.spec.trial)) problems.push(`${result.spec.trial} has two result objects`);
    results.set(result.spec.trial, { key, result });
  }
  if (results.size !== trials) problems.push(`${results.size} trials have a result object, not ${trials}`);

  const messaging = await connectAsController(cluster);
  try {
    const records = await readRecords(messaging, sweep);
    if (records.length !== trials) problems.push(`${records.length} trials have a record, not ${trials}`);
    const recorded = new Set<string>(records.map(({ trial }) => trial));
    for (const trial of results.keys()) if (!recorded.has(trial)) problems.push(`${trial} has no record`);
    for (const record of records) {
      const stored = results.get(record.trial);
      if (record.state !== 'completed') problems.push(`the record of ${record.trial} says ${record.state}`);
      if (record.resultKey !== stored?.key) problems.push(`the record of ${record.trial} names another result`);
    }
    const told = new Set<string>();
    for await (const { data } of messaging.events.read(`result.${sweep}.>`)) {
      const event = ResultEvent.parse(data);
      const stored = results.get(event.trial);
      told.add(event.trial);
      const carried = event.result ?? stored?.result; // one that is too large for an event lies in the store only
      if (event.resultKey !== stored?.key || carried?.attempt !== stored.result.attempt) {
        problems.push(`an event of attempt ${event.attempt} of ${event.trial} names another result`);
      }
    }
    for (const trial of results.keys()) if (!told.has(trial)) problems.push(`no event tells of the result of ${trial}`);
    const queued = await messaging.queue.contents();
    if (queued.length > 0) problems.push(`${queued.length} messages are left in the queue`);
    const onTheirWay = new Set<string>(queued.map(({ trial }) => trial));
    for (const { trial, state } of records) {
      if ((state === 'dispatched' || state === 'running') && !onTheirWay.has(trial)) {
        problems.push(`${trial} is lost: it is ${state} and the queue has no message of it`);
      }
    }
  } finally {
    await messaging.close();
  }
  const attempts: Record<number, number> = {};
  for (const { result } of results.values()) attempts[result.attempt] = (attempts[result.attempt] ?? 0) + 1;
  return { results: results.size, attempts, problems };
}
