import { WorkerId } from '@adctl/protocol';
import { expect, it } from 'vitest';
import type { WorkersAnswer } from '../answers/workers.js';
import { PLAIN } from './style.js';
import { renderWorkers } from './workers.js';

const heartbeat = (worker: string): WorkersAnswer['workers'][number] => ({
  version: 1,
  worker: WorkerId.parse(worker),
  at: '2026-01-01T00:00:00Z',
  class: 'gpu',
  slots: 1,
  busy: [],
  state: 'ready',
  codeVersion: 'c',
  secondsSinceHeartbeat: 1.2,
});

it('shows a pool, a worker that was heard of and one that waits for a node with the reason', () => {
  const text = renderWorkers(
    {
      controllerRunning: true,
      workers: [heartbeat('gpu24-1-1-abcde')],
      pools: [
        {
          ...{ pool: 'gpu24', class: 'gpu', min: 0, max: 4, desired: 2, workers: 2 },
          conditions: [
            { type: 'Valid', status: 'True', message: 'the API server takes its Jobs' },
            { type: 'Creating', status: 'False', message: 'exceeded quota' },
            { type: 'CircuitOpen', status: 'False', message: '0 failed starts in a row' },
          ],
        },
      ],
      pods: [
        {
          ...{ worker: 'gpu24-1-1-abcde', job: 'gpu24-1-1', pool: 'gpu24', state: 'idle', node: 'gpu-1' },
          createdAt: '2026-01-01T00:00:00Z',
        },
        {
          ...{ job: 'gpu24-1-2', pool: 'gpu24', state: 'unschedulable', reason: '2 Insufficient nvidia.com/gpu.' },
          createdAt: '2026-01-01T00:00:00Z',
        },
      ],
    },
    PLAIN,
  );

  expect(text).toMatchInlineSnapshot(`
    "POOL   CLASS  WORKERS  MIN  MAX  WHY
    gpu24  gpu        2/2    0    4  exceeded quota

    WORKER           POOL   STATE          BUSY  TRIALS  ENGINE  MEMORY     SEEN  NODE   WHY
    gpu24-1-1-abcde  gpu24  idle            0/1  -       -            -  1 s ago  gpu-1  -
    gpu24-1-2        gpu24  unschedulable     -  -       -            -    never  -      2 Insufficient nvidia.com/gpu."
  `);
});

it('shows workers alone where no pools are', () => {
  const text = renderWorkers({ controllerRunning: true, workers: [heartbeat('w-1')] }, PLAIN);

  expect(text).not.toContain('POOL');
  expect(text).toContain('w-1');
});

it('says which sweeps wait for a class without workers, and why there are none', () => {
  const reasons = [
    { code: 'no_workers', message: 'no worker of class gpu is ready' },
    { code: 'no_pool', message: 'no pool makes workers of class gpu' },
  ];
  const text = renderWorkers(
    { controllerRunning: true, workers: [], waiting: [{ class: 'gpu', sweeps: 2, reasons }] },
    PLAIN,
  );

  expect(text).toBe(
    'The controller has no workers yet.\n\n2 sweeps wait: no worker of class gpu is ready; no pool makes workers of class gpu',
  );
});
