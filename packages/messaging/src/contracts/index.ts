import { describeControlChannel } from './control-channel.js';
import { describeEventLog } from './event-log.js';
import type { MessagingHarness } from './harness.js';
import { describeStateStore } from './state-store.js';
import { describeTrialQueue } from './trial-queue.js';

export type { Deployment, MessagingHarness } from './harness.js';
export { createManualClock, type ManualClock } from './manual-clock.js';
export { describeControlChannel, describeEventLog, describeStateStore, describeTrialQueue };

/** All four suites over one implementation. */
export function describeMessaging(harness: MessagingHarness): void {
  describeTrialQueue(harness);
  describeEventLog(harness);
  describeStateStore(harness);
  describeControlChannel(harness);
}
