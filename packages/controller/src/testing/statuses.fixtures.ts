import type { Messaging } from '@adctl/messaging';
import { SweepRecord, sweepStatusKey } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';
import { toStatus } from '../apply/sweep-status.js';

/** Sweeps whose record and status object do not say the same, terms included; empty when all agree. */
export async function disagreements(parts: { messaging: Pick<Messaging, 'state'>; objects: ObjectStore }) {
  const found: { sweep: string; record: string | undefined; object: string | undefined }[] = [];
  const records = new Map<string, string>();
  for (const { value } of await parts.messaging.state.bucket('sweep').entries()) {
    const record = SweepRecord.parse(value);
    records.set(sweepStatusKey(record.sweep), toStatus(record));
  }
  const objects = new Map<string, string>();
  for await (const { key } of parts.objects.list('v1/sweep/')) {
    const object = await parts.objects.get(key);
    if (object !== null) objects.set(key, Buffer.from(object.content).toString('utf8'));
  }
  for (const key of new Set([...records.keys(), ...objects.keys()])) {
    const [record, object] = [records.get(key), objects.get(key)];
    if (record !== object) found.push({ sweep: key, record, object });
  }
  return found;
}
