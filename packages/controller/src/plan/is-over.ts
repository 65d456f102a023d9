import type { SweepRecord } from '@adctl/protocol';

/** Whether a sweep needs no more work. */
export function isOver(record: Pick<SweepRecord, 'state'>): boolean {
  return record.state === 'completed' || record.state === 'cancelled' || record.state === 'failed';
}
