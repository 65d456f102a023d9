import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createManualClock, type Deployment, describeMessaging, type MessagingHarness } from '../contracts/index.js';
import { connectEmbedded, openEmbedded } from './index.js';

const times = { ackWaitMs: 300, duplicateWindowMs: 1_000, shortWaitMs: 100 };
const capabilities = { strictPriorityWhileWaiting: true, contentsKnowDelivery: true };

describeMessaging({ name: 'embedded, in process', times, capabilities, create: () => createDeployment(false) });

describeMessaging({ name: 'embedded, over a socket', times, capabilities, create: () => createDeployment(true) });

/** A controller in a fresh folder on a clock moved by hand; the suites use it directly or over two connections. */
async function createDeployment(overSocket: boolean): ReturnType<MessagingHarness['create']> {
  const directory = await mkdtemp(join(tmpdir(), 'adctl-messaging-'));
  const clock = createManualClock();
  const local = openEmbedded({ directory, clock, ...times });
  const path = overSocket ? await local.listen() : null;
  const messaging = path === null ? local : await connectEmbedded(path, { clock });
  const other = path === null ? local : await connectEmbedded(path, { clock });
  // What was asked before time passes has arrived by then, on both connections.
  const settle = () => Promise.all([messaging.queue.contents(), other.queue.contents()]);
  return {
    messaging,
    other,
    async pass(ms) {
      await settle();
      clock.advance(ms);
      await settle();
    },
    async close() {
      await messaging.close();
      await other.close();
      await local.close();
      await rm(directory, { recursive: true });
    },
  } satisfies Deployment;
}
