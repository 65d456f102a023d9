import type { TrialSpec } from '@adctl/protocol';
import { resultsPrefix, type SweepId, type TrialSummary } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { type Death, dieAt } from './testing/faults.fixtures.js';
import { type Script, startScriptedWorker } from './testing/scripted-worker.fixtures.js';
import { disagreements } from './testing/statuses.fixtures.js';
import { ended, startDeployment, sweepFile, temporaryDirectory, timeless } from './testing/test-deployment.fixtures.js';

/** Two configurations, one class: 2 search and 2 report trials; the first trial fails once on the way. */
const SOURCE = sweepFile({ learningRates: [0.001, 0.002], normal: [8], seeds: { search: 1, report: 2, finalists: 1 } });
const script = ({ index }: TrialSpec, attempt: number): Script =>
  index === 0 && attempt === 1 ? { does: 'fail', class: 'infra' } : { does: 'complete' };

/**
 * Leases are a minute long here and the worker of the first life never renews nor releases on its way out: a second life
 * that waited for any of them would run into the test's time limit.
 *
 * Runs the sweep in a fresh folder with a controller that dies once, then a second one that lives. */
async function runThrough(death: Death | null, orderedWrites: boolean) {
  const folder = temporaryDirectory();
  try {
    let wrapped: ReturnType<typeof dieAt> | undefined;
    let died = false;
    if (death !== null) {
      await runUntilDeath(folder.directory, orderedWrites, (parts) => {
        const dying = dieAt(parts, death);
        void dying.died.then(() => {
          died = true;
        });
        return dying;
      });
    }
    const deployment = await startDeployment({
      directory: folder.directory,
      ackWaitMs: 4_000,
      orderedWrites,
      ...(death === null
        ? {
            wrap: (parts) => {
              wrapped = dieAt(parts, null);
              return wrapped;
            },
          }
        : {}),
    });
    const stop = new AbortController();
    try {
      await deployment.controller.settled(async () => undefined);
      const mended = await disagreements(deployment);
      await startScriptedWorker({ ...deployment, worker: 'w-second', signal: stop.signal, script });
      const { sweep } = await deployment.submit(SOURCE);
      const summary = await deployment.until(sweep, ended);
      const trials = await deployment.request<TrialSummary[]>('trials.list', { sweep });
      const results: string[] = [];
      for await (const { key } of deployment.objects.list(resultsPrefix(sweep))) results.push(key);
      const queue = await deployment.messaging.queue.contents();
      return {
        died,
        writes: wrapped?.writes() ?? 0,
        state: summary.state,
        trials: trials.map(({ trial, state }) => `${trial} ${state}`),
        results,
        leaderboard: timeless(await deployment.leaderboard(sweep as SweepId)),
        queued: queue.length,
        illegal: deployment.controller.context.counters.illegalTransitions,
        disagreements: [...mended, ...(await disagreements(deployment))],
      };
    } finally {
      stop.abort();
      await deployment.close();
    }
  } finally {
    folder.remove();
  }
}

/** The first life: ends with the controller's death, or with the sweep's end where the death never comes. */
async function runUntilDeath(
  directory: string,
  orderedWrites: boolean,
  wrap: Parameters<typeof startDeployment>[0]['wrap'] & object,
) {
  const opened = await startDeployment({ directory, ackWaitMs: 4_000, orderedWrites, wrap }).catch(() => null);
  if (opened === null) return; // died while starting
  const stop = new AbortController();
  try {
    const dead = new Promise<void>((resolve) => {
      opened.controller.stopped.addEventListener('abort', () => resolve(), { once: true });
    });
    await startScriptedWorker({ ...opened, worker: 'w-first', signal: stop.signal, script });
    const life = async () => {
      const { sweep } = await opened.submit(SOURCE);
      await opened.until(sweep, ended);
    };
    await Promise.race([dead, life().catch(() => undefined)]);
  } finally {
    stop.abort();
    await opened.close();
  }
}

describe.each([true, false])('a controller that dies at any of its writes (ordered writes: %s)', (orderedWrites) => {
  test('loses nothing and doubles nothing: same trials, same results, same leaderboard', {
    timeout: 120_000,
  }, async () => {
    const undisturbed = await runThrough(null, orderedWrites);
    expect(undisturbed).toMatchObject({ state: 'completed', queued: 0, illegal: 0, disagreements: [] });
    expect(undisturbed.results).toHaveLength(4);
    expect(undisturbed.writes).toBeGreaterThan(25);
    const { writes: _count, died: _lived, ...wanted } = undisturbed;
    let deaths = 0;

    for (let atWrite = 1; atWrite <= undisturbed.writes; atWrite++) {
      for (const when of ['before', 'after'] as const) {
        const { writes: _writes, died, ...survived } = await runThrough({ atWrite, when }, orderedWrites);
        expect(survived, `died ${when} write ${atWrite}`).toEqual(wanted);
        if (died) deaths += 1;
      }
    }
    // A claim seen only with its result saves a write, so the last deaths may come too late.
    expect(deaths).toBeGreaterThan(undisturbed.writes * 1.6);
  });
});
