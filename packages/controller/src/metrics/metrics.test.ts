import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPoolMetrics } from '../kubernetes/pool-metrics.js';
import { trialRecord } from '../testing/records.fixtures.js';
import { startScriptedWorker } from '../testing/scripted-worker.fixtures.js';
import { ended, startDeployment, sweepFile, temporaryDirectory } from '../testing/test-deployment.fixtures.js';
import { Health } from './health.js';
import { createMetrics } from './metrics.js';
import { serveMetrics } from './serve-metrics.js';

describe('metrics', () => {
  test('what ended, what was mended, and who leads, with labels that have a bound', async () => {
    const metrics = createMetrics();
    const times = { startedAt: '2026-11-23T12:00:00.000Z', finishedAt: '2026-11-23T12:00:07.000Z' };

    metrics.role('leader');
    metrics.trialEnded(trialRecord({ state: 'completed', ...times }));
    metrics.trialEnded(trialRecord({ state: 'failed', phase: 'report', ...times }));
    metrics.trialEnded(
      trialRecord({ state: 'completed', reusedFrom: { sweep: trialRecord().sweep, trial: trialRecord().trial } }),
    );
    metrics.gpuHeld('gpu24', { seconds: 90, outcome: 'useful' });
    metrics.gpuHeld('gpu24', { seconds: 30, outcome: 'lost' });
    metrics.checkpointed({ seconds: 0.5, bytes: 2_000_000 });
    metrics.reconciled(0.003, 2);
    metrics.failed('controller_unreachable');
    const text = await metrics.registry.metrics();

    for (const line of [
      'adctl_leader 1',
      'adctl_trials_total{sweep_kind="search",result="completed"} 1',
      'adctl_trials_total{sweep_kind="report",result="failed"} 1',
      'adctl_trials_total{sweep_kind="search",result="reused"} 1',
      'adctl_trial_duration_seconds_sum 14',
      'adctl_trial_duration_seconds_count 2',
      'adctl_gpu_seconds_total{class="gpu24",outcome="useful"} 90',
      'adctl_gpu_seconds_total{class="gpu24",outcome="lost"} 30',
      'adctl_checkpoint_seconds_bucket{le="1"} 1',
      'adctl_checkpoint_bytes_sum 2000000',
      'adctl_queue_redelivered_total 2',
      'adctl_reconcile_errors_total{reason="controller_unreachable"} 1',
      'adctl_active_sweeps 0',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).not.toMatch(/sweep="|trial="/);
  });

  test('docs/operations.md names every one, and no other', async () => {
    const { registry } = createMetrics();
    createPoolMetrics(registry);
    const page = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');

    const had = registry.getMetricsAsArray().flatMap(({ name }) => (name.startsWith('adctl_') ? [name] : []));
    const told = [...page.matchAll(/`(adctl_[a-z_]+)/g)].map(([, name]) => name);

    expect(told.toSorted()).toEqual(had.toSorted());
  });

  test('a running controller feeds them', async () => {
    const folder = temporaryDirectory();
    const stop = new AbortController();
    const metrics = createMetrics();
    const deployment = await startDeployment({ directory: folder.directory, measures: metrics });
    try {
      const unfollow = metrics.follow(deployment.controller.context);
      const { sweep } = await deployment.submit(sweepFile());
      await deployment.until(sweep, ({ counts }) => counts.dispatched === 4);
      expect(await metrics.registry.metrics()).toContain('adctl_queue_pending{class="cpu"} 4');
      await deployment.messaging.control.publish('heartbeat.w-gpu', {
        version: 1,
        worker: 'w-gpu',
        at: new Date().toISOString(),
        class: 'cpu',
        slots: 0,
        busy: [],
        state: 'ready',
        engine: { backend: 'tensorflow', tensorflow: '2', gpu: true, threads: 1, node: '24', platform: 'linux' },
        codeVersion: 'test',
        checkpoints: [{ seconds: 0.5, bytes: 2_000_000 }],
      });
      await startScriptedWorker({
        ...{ ...deployment, signal: stop.signal },
        script: (_spec, attempt) => (attempt === 1 ? { does: 'fail', class: 'preempted' } : { does: 'complete' }),
      });
      await deployment.until(sweep, ended);
      const text = await metrics.registry.metrics();
      unfollow();

      expect(text).toContain('adctl_trials_total{sweep_kind="search",result="completed"} 6');
      expect(text).toContain('adctl_checkpoint_bytes_sum 2000000');
      expect(text).toContain('adctl_gpu_seconds_total{class="cpu",outcome="lost"}');
      expect(text).toContain('adctl_slots{class="cpu",state="idle"} 2');
      expect(await metrics.registry.metrics()).toContain('adctl_active_sweeps 0');
    } finally {
      stop.abort();
      await deployment.close();
      folder.remove();
    }
  });
});

describe('health', () => {
  let nowMs = 0;
  let health: Health;
  let server: Awaited<ReturnType<typeof serveMetrics>>;
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return { status: response.status, text: await response.text() };
  };

  beforeEach(async () => {
    nowMs = 1_000_000;
    health = new Health({ pulseMs: 1_000, contactMs: 500, watchMs: 2_000, monotonicMs: () => nowMs });
    server = await serveMetrics(0, { registry: createMetrics().registry, health });
  });
  afterEach(() => server.close());

  test('a standby lives, and is ready while NATS answers', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200 });
    expect(await get('/readyz')).toMatchObject({ status: 503 });
    health.contact();
    expect(JSON.parse((await get('/readyz')).text)).toEqual({ ok: true, role: 'standby', connected: true });
    nowMs += 500;
    expect(await get('/readyz')).toMatchObject({ status: 503 });
    expect(await get('/healthz')).toMatchObject({ status: 200 });
  });

  test('a leader is ready once it serves, and is taken for hung when its turns do not end', async () => {
    health.role('leader');
    health.contact();
    expect(await get('/readyz')).toMatchObject({ status: 503 });
    for (const _part of [1, 2, 3]) {
      nowMs += 999;
      expect(await get('/healthz')).toMatchObject({ status: 200 }); // still reading everything
      health.pulse();
    }
    nowMs += 1_000;
    expect(await get('/healthz')).toMatchObject({ status: 503 }); // nothing more came
    health.contact();
    health.serves();
    expect(await get('/readyz')).toMatchObject({ status: 200 });
    nowMs += 999;
    expect(await get('/healthz')).toMatchObject({ status: 200 });
    nowMs += 1;
    expect(await get('/healthz')).toMatchObject({ status: 503 });
    health.pulse();
    expect(await get('/healthz')).toMatchObject({ status: 200 });
  });

  test('a leader whose API server is silent is not ready; it hangs only when its watches do nothing at all', async () => {
    const watching = { silentMs: () => 1_999, stuckMs: () => 1_999 };
    health.role('leader');
    health.serves();
    health.contact();
    health.watches(watching);
    expect(await get('/readyz')).toMatchObject({ status: 200 });
    watching.silentMs = () => 2_000;
    expect(JSON.parse((await get('/readyz')).text)).toMatchObject({ ok: false, secondsApiServerSilent: 2 });
    expect(await get('/healthz')).toMatchObject({ status: 200 });
    watching.stuckMs = () => 2_000;
    expect(JSON.parse((await get('/healthz')).text)).toMatchObject({ ok: false, secondsWatchStuck: 2 });
    health.watches(undefined); // it leads no more
    expect(await get('/healthz')).toMatchObject({ status: 200 });
  });

  test('metrics are served as Prometheus reads them; a port that is taken is an error', async () => {
    expect((await get('/metrics')).text).toContain('adctl_leader 0');
    expect(await get('/nothing')).toMatchObject({ status: 404 });
    const parts = { registry: createMetrics().registry, health };
    await expect(serveMetrics(server.port, parts)).rejects.toMatchObject({ code: 'metrics_port_taken', kind: 'user' });
  });
});
