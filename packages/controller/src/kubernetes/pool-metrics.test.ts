import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { PoolBoard } from './pool-board.js';
import { createPoolMetrics } from './pool-metrics.js';

it('shows pools, their workers by state, and how the API server answers', async () => {
  const registry = new Registry();
  const metrics = createPoolMetrics(registry);
  const board = new PoolBoard();
  board.set(
    [
      {
        ...{ pool: 'gpu24', class: 'gpu24', min: 0, max: 4, desired: 2, workers: 1 },
        conditions: [{ type: 'CircuitOpen', status: 'True', message: '' }],
      },
    ],
    [{ job: 'gpu24-1-1', pool: 'gpu24', state: 'unschedulable', createdAt: '2026-01-01T00:00:00Z' }],
  );
  metrics.follow(board, () => 1_500);
  metrics.answered('create', 201);
  metrics.started('gpu24', { schedule: 2, pull: 40, start: 6 });

  const text = await registry.metrics();

  expect(text).toContain('adctl_workers{pool="gpu24",state="unschedulable"} 1');
  expect(text).toContain('adctl_workers{pool="gpu24",state="busy"} 0');
  expect(text).toContain('adctl_desired_workers{pool="gpu24"} 2');
  expect(text).toContain('adctl_pool_circuit_open{pool="gpu24"} 1');
  expect(text).toContain('adctl_kube_requests_total{verb="create",code="201"} 1');
  expect(text).toContain('adctl_worker_start_seconds_sum{pool="gpu24",stage="pull"} 40');
  expect(text).toContain('adctl_watch_last_event_age_seconds 1.5');
});
