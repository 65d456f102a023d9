import { type ControllerStatus, heartbeatTopic, type WorkerHeartbeat, WorkerId } from '@adctl/protocol';
import { expect, test } from 'vitest';
import { startDeployment, temporaryDirectory } from '../testing/test-deployment.fixtures.js';

test('a heartbeat counts for the worker whose topic it comes by, not for the one it names', async () => {
  const folder = temporaryDirectory();
  const deployment = await startDeployment({ directory: folder.directory });
  try {
    const { control } = deployment.messaging;
    await control.publish(heartbeatTopic('cpu--1-1-aaaaa'), heartbeatOf('gpu--1-1-bbbbb'));
    await control.publish(heartbeatTopic('w-a'), heartbeatOf('cpu--1-1-aaaaa'));
    await control.publish(heartbeatTopic('gpu--1-1-ccccc'), heartbeatOf('gpu--1-1-ccccc'));

    const workers = async () => {
      const status = await deployment.request<ControllerStatus>('status', {});
      return status.workers.map(({ worker }) => worker);
    };
    await expect.poll(workers).toEqual(['gpu--1-1-ccccc']);
  } finally {
    await deployment.close();
    folder.remove();
  }
});

function heartbeatOf(worker: string): WorkerHeartbeat {
  return {
    ...{ version: 1, worker: WorkerId.parse(worker), at: '2026-01-01T00:00:00Z', class: 'cpu', slots: 1, busy: [] },
    ...{ state: 'ready', codeVersion: 'test' },
  };
}
