import type { SweepSummary, TrialSummary } from '@adctl/protocol';
import { describe, expect, it } from 'vitest';
import { buildProgress, buildSweep, buildTrial, SWEEP } from '../testing/builders.fixtures.js';
import { createFakeClient, type FakeClient } from '../testing/fake-client.fixtures.js';
import { createFakePace, createRecordingView } from '../testing/recording-view.fixtures.js';
import { followSweep } from './follow-sweep.js';

/** A controller that moves on to the next scene whenever the follower waits. */
function playScenes(scenes: readonly { sweep: SweepSummary; trials: readonly TrialSummary[] }[]): {
  readonly client: FakeClient;
  readonly next: () => void;
} {
  let scene = 0;
  const current = () => scenes[Math.min(scene, scenes.length - 1)]!;
  const client = createFakeClient({
    'sweeps.show': () => current().sweep,
    'trials.list': ({ states }) =>
      current().trials.filter((trial) => states === undefined || states.includes(trial.state)),
  });
  return {
    client,
    next: () => {
      scene += 1;
    },
  };
}

const running = buildTrial();
const completed = buildTrial({ state: 'completed', selection: { auroc: 0.9, loss: 0.1 } });
const before = buildTrial({ trial: 't000001-00000000', state: 'completed' });

describe('followSweep', () => {
  it('announces each trial that ends while watching, once, and none that ended before', async () => {
    const { client, next } = playScenes([
      { sweep: buildSweep({ counts: { completed: 1, running: 1 } }), trials: [before, running] },
      { sweep: buildSweep({ counts: { completed: 2 } }), trials: [before, completed] },
      { sweep: buildSweep({ state: 'completed', counts: { completed: 2 } }), trials: [before, completed] },
    ]);
    const view = createRecordingView();

    const summary = await followSweep({
      client,
      sweep: SWEEP,
      view,
      pace: createFakePace(next),
      signal: new AbortController().signal,
    });

    expect(summary.state).toBe('completed');
    expect(view.lines.filter((line) => line.startsWith('ended'))).toEqual([
      expect.stringContaining('t000003-9f8e7d6c'),
    ]);
    expect(view.lines.at(-1)).toMatch(/^left .* completed {2}2\/8 done/);
  });

  it('draws at every live message, and stops listening at the end', async () => {
    const { client, next } = playScenes([
      { sweep: buildSweep({ counts: { running: 1 } }), trials: [running] },
      { sweep: buildSweep({ state: 'completed', counts: { completed: 1 } }), trials: [completed] },
    ]);
    const view = createRecordingView();
    const pace = createFakePace(() => {
      const updates = view.lines.length;
      client.publish('progress.x.y', buildProgress());
      expect(view.lines).toHaveLength(updates + 1);
      next();
    });

    await followSweep({ client, sweep: SWEEP, view, pace, signal: new AbortController().signal });

    expect(client.listening.size).toBe(0);
  });

  it('says once what the sweep waits for, when it still does at the next look; passing waits are no news', async () => {
    const waiting = (...codes: string[]) => ({
      sweep: { ...buildSweep(), waits: codes.map((code) => ({ code, message: `for ${code}` })) },
      trials: [],
    });
    const { client, next } = playScenes([
      waiting('waiting_turn'),
      waiting('waiting_turn'),
      waiting('window'),
      waiting('no_workers', 'pool_full', 'waiting_turn'),
      waiting('no_workers', 'pool_full', 'waiting_turn'),
      waiting('no_workers', 'pool_full', 'waiting_turn'),
      { sweep: buildSweep({ state: 'completed', counts: { completed: 1 } }), trials: [completed] },
    ]);
    const view = createRecordingView();

    await followSweep({
      ...{ client, sweep: SWEEP, view, pace: createFakePace(next) },
      signal: new AbortController().signal,
    });

    const said = view.lines.filter((line) => line.includes('waits'));
    expect(said).toEqual([expect.stringContaining(`${SWEEP} waits: for no_workers; for pool_full`)]);
    expect(said[0]).not.toContain('waiting_turn');
  });

  it('stops when told to, without touching the sweep', async () => {
    const { client } = playScenes([{ sweep: buildSweep({ counts: { running: 1 } }), trials: [running] }]);
    const stop = new AbortController();

    const summary = await followSweep({
      client,
      sweep: SWEEP,
      view: createRecordingView(),
      pace: createFakePace(() => stop.abort()),
      signal: stop.signal,
    });

    expect(summary.state).toBe('search');
    expect(new Set(client.asked.map(({ verb }) => verb))).toEqual(new Set(['sweeps.show', 'trials.list']));
  });
});
