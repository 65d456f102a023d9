import { describeMessaging } from '../contracts/index.js';
import { createDeployment, describeOnServers } from './deployment.fixtures.js';

const times = { ackWaitMs: 800, duplicateWindowMs: 1_000, shortWaitMs: 200 };
const capabilities = { strictPriorityWhileWaiting: false, contentsKnowDelivery: false };

await describeOnServers('newest', ({ version, current }) => {
  const name = `NATS ${version}`;
  describeMessaging({ name, times, capabilities, create: () => createDeployment(current(), times) });
});
