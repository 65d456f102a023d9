import { isFinal, type Lease, TrialSpec, type TrialSummary, WorkerId } from '@adctl/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startScriptedWorker } from './testing/scripted-worker.fixtures.js';
import {
  ended,
  startDeployment,
  sweepFile,
  type TestDeployment,
  temporaryDirectory,
} from './testing/test-deployment.fixtures.js';

let folder: ReturnType<typeof temporaryDirectory>;
let deployment: TestDeployment;
let stop: AbortController;

beforeEach(async () => {
  folder = temporaryDirectory();
  stop = new AbortController();
  deployment = await startDeployment({ directory: folder.directory });
});

afterEach(async () => {
  stop.abort();
  await deployment.close();
  folder.remove();
});

describe('a sweep from submission to leaderboard', () => {
  test('search trials, finalists, report trials, completed', async () => {
    const worker = await startScriptedWorker({ ...deployment, signal: stop.signal });

    const accepted = await deployment.submit(sweepFile());
    const summary = await deployment.until(accepted.sweep, ended);

    expect(accepted).toMatchObject({ created: true, skipped: false, searchTrials: 6, reportTrials: 6 });
    expect(summary).toMatchObject({ state: 'completed', searchTrials: 6, reportTrials: 6, expanded: 12 });
    expect(summary.counts).toMatchObject({ completed: 12, queued: 0, dispatched: 0, running: 0 });
    expect(new Set(worker.claims.map(({ spec }) => spec.trial)).size).toBe(12);
    const trials = await deployment.request<TrialSummary[]>('trials.list', { sweep: accepted.sweep });
    expect(trials.map(({ index }) => index)).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(trials.every(({ state, attempt }) => isFinal(state) && attempt === 1)).toBe(true);
    const best = Map.groupBy(trials.slice(0, 6), ({ hyperparameters }) => hyperparameters.learningRate);
    const means = [...best].map(
      ([rate, group]) => [rate, group.reduce((sum, { objective }) => sum + objective!, 0)] as const,
    );
    means.sort((a, b) => b[1] - a[1]);
    expect(trials.slice(6).every(({ hyperparameters }) => hyperparameters.learningRate === means[0]![0])).toBe(true);
    const board = await deployment.leaderboard(accepted.sweep);
    expect(board.groups[0]?.rows[0]).toMatchObject({ rank: 1, method: 'dae', configurationsTried: 3 });
    expect(board.groups[0]?.rows[0]?.seeds).toHaveLength(3);
    const leases = deployment.messaging.state.bucket('lease');
    await expect.poll(() => leases.entries(accepted.sweep)).toEqual([]);
  });

  test('leases that a dead controller did not get to delete are deleted by the next one', async () => {
    const { signal } = stop;
    await startScriptedWorker({ ...deployment, signal });
    const { sweep: over } = await deployment.submit(sweepFile());
    await deployment.until(over, ended);
    stop.abort();
    stop = new AbortController();
    const { sweep: live } = await deployment.submit(sweepFile(), { fresh: true });
    await deployment.until(live, ({ counts }) => counts.dispatched > 0);
    const lease: Lease = {
      version: 1,
      attempt: 1,
      worker: WorkerId.parse('w'),
      renewedAt: new Date().toISOString(),
      released: true,
    };
    const leases = () => deployment.messaging.state.bucket('lease');
    await leases().create(`${over}.left`, lease);
    await leases().create(`${live}.held`, lease);
    await deployment.close();

    deployment = await startDeployment({ directory: folder.directory });

    await expect.poll(() => leases().entries(over)).toEqual([]);
    expect(await leases().entries(live)).toHaveLength(1);
  });

  test('a spec that is too large for a message lies in the object store', async () => {
    const root = 'x'.repeat(20_000);
    const { sweep } = await deployment.submit(sweepFile().replace('name: mnist', `name: mnist, root: ${root}`));
    await deployment.until(sweep, ({ counts }) => counts.dispatched > 0);
    const delivery = await deployment.messaging.queue.next({ class: 'cpu', waitMs: 5_000 });
    const { trial, spec, specKey } = delivery!.assignment;

    expect(spec).toBeUndefined();
    const stored = await deployment.objects.get(specKey);
    const large = TrialSpec.parse(JSON.parse(Buffer.from(stored!.content).toString('utf8')));
    expect(large).toMatchObject({ sweep, trial });
    expect(large.dataset.root).toContain(root);
  });
});
