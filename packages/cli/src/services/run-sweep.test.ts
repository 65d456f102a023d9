import type { SweepAccepted, SweepSummary } from '@adctl/protocol';
import { describe, expect, it } from 'vitest';
import { buildLeaderboard, buildSweep, buildTrial, SWEEP } from '../testing/builders.fixtures.js';
import { createFakeClient } from '../testing/fake-client.fixtures.js';
import { createFakePace, createRecordingView } from '../testing/recording-view.fixtures.js';
import { runSweep, type SweepRun } from './run-sweep.js';
import { exitCodeOf } from './sweep-outcome.js';

const failed = buildTrial({ state: 'failed', reason: 'three attempts out of memory' });
const accepted: SweepAccepted = {
  version: 1,
  sweep: SWEEP,
  created: true,
  skipped: false,
  searchTrials: 8,
  reportTrials: 6,
};

function buildRun(
  changes: Partial<SweepRun> = {},
  state: SweepSummary['state'] = 'completed',
  submitted: SweepAccepted = accepted,
) {
  const view = createRecordingView();
  const gentle = new AbortController();
  const run: SweepRun = {
    client: createFakeClient({
      'sweeps.submit': () => submitted,
      'sweeps.show': () =>
        buildSweep({ state, class: 'cpu', reason: 'so it is', counts: { completed: 7, failed: 1 }, reused: 2 }),
      'trials.list': ({ states }) => (states?.includes('failed') ? [failed] : []),
      leaderboard: () => buildLeaderboard(),
    }),
    submission: {
      version: 1,
      source: '',
      file: 'ocgan.yaml',
      directory: '/sweeps',
      fresh: false,
      ifActive: 'join',
      priority: 'normal',
    },
    follow: true,
    view,
    pace: createFakePace(() => gentle.abort()),
    interrupts: { gentle: gentle.signal, now: new AbortController().signal, release: () => undefined },
    broken: new AbortController().signal,
    place: '/sweeps/.adctl',
    controllerIsOurs: true,
    flavour: 'cpu',
    ...changes,
  };
  return { run, view };
}

describe('runSweep', () => {
  it('ends with the leaderboard, the reasons of failed trials, and a word about reused ones', async () => {
    const { run, view } = buildRun();

    const answer = await runSweep(run);

    expect(answer.interrupted).toBe(false);
    expect(answer.outcome?.bad).toEqual([
      expect.objectContaining({ trial: failed.trial, reason: 'three attempts out of memory' }),
    ]);
    expect(answer.outcome && exitCodeOf(answer.outcome)).toBe(1);
    expect(view.lines).toContainEqual(expect.stringMatching(/^Reused 2 trials: .*--fresh/));
  });

  it('submits nothing after a Ctrl-C', async () => {
    const { run } = buildRun({ interrupts: { ...buildRun().run.interrupts, gentle: AbortSignal.abort() } });

    await expect(runSweep(run)).rejects.toMatchObject({ code: 'interrupted' });

    expect(run.client).toMatchObject({ asked: [] });
  });

  it('leaves at the first Ctrl-C and says that the same command continues', async () => {
    const { run, view } = buildRun({}, 'search');

    const answer = await runSweep(run);

    expect(answer).toEqual({ accepted, interrupted: true });
    expect(view.lines.at(-1)).toContain('The same command continues');
  });

  it('says that the sweep goes on when another process owns the controller', async () => {
    const { run, view } = buildRun({ controllerIsOurs: false }, 'search');

    await runSweep(run);

    expect(view.lines.at(-1)).toContain(`adctl sweeps watch ${SWEEP}`);
  });

  it('does not follow what was skipped', async () => {
    const { run, view } = buildRun({}, 'search', { ...accepted, created: false, skipped: true });

    expect(await runSweep(run)).toEqual({
      accepted: { ...accepted, created: false, skipped: true },
      interrupted: false,
    });
    expect(view.lines).toEqual([expect.stringContaining('nothing was submitted')]);
  });

  it.each([
    ['followed', { follow: true }, { skipped: false }, /^Sweep .* is paused: so it is\.$/],
    ['left', { follow: false }, { skipped: false }, /is paused/],
    ['the reason to skip', { follow: true }, { skipped: true }, /is paused.*Nothing was submitted/],
  ])('refuses to wait for a paused sweep that is %s', async (_how, changes, how, message) => {
    const { run } = buildRun(changes, 'paused', { ...accepted, created: false, ...how });

    const refusal = runSweep(run);

    await expect(refusal).rejects.toThrow(message);
    await expect(refusal).rejects.toMatchObject({
      code: 'sweep_paused',
      kind: 'transient',
      hint: expect.stringContaining(`adctl sweeps resume ${SWEEP}`),
    });
  });

  it('refuses a sweep that was begun with workers of another flavour, unless it is over', async () => {
    const before = { ...accepted, created: false };
    const active = buildRun({ flavour: 'gpu' }, 'search', before);
    const over = buildRun({ flavour: 'gpu' }, 'completed', before);
    const inCluster = buildRun({ flavour: undefined }, 'search', before);

    await expect(runSweep(active.run)).rejects.toMatchObject({
      code: 'flavour_unavailable',
      kind: 'user',
      hint: expect.stringContaining('--flavour cpu'),
    });
    expect((await runSweep(over.run)).outcome?.summary.state).toBe('completed');
    expect(await runSweep(inCluster.run)).toMatchObject({ interrupted: true });
  });

  it("leaves a sweep that another process's controller pauses, and stays with its own, whose workers it holds", async () => {
    const theirs = buildRun({ controllerIsOurs: false }, 'paused');
    const ours = buildRun({}, 'paused');

    await expect(runSweep(theirs.run)).rejects.toMatchObject({ code: 'sweep_paused' });
    expect(await runSweep(ours.run)).toMatchObject({ interrupted: true });
  });
});
