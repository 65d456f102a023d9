import { describe, expect, it } from 'vitest';
import { buildLeaderboard, buildSweep, buildTrial, SWEEP } from '../testing/builders.fixtures.js';
import { createFakeClient } from '../testing/fake-client.fixtures.js';
import { createFakePace, createRecordingView } from '../testing/recording-view.fixtures.js';
import { runSweep, type SweepRun } from './run-sweep.js';
import { exitCodeOf } from './sweep-outcome.js';

const failed = buildTrial({ state: 'failed', reason: 'three attempts out of memory' });
const accepted = { sweep: SWEEP, created: true, skipped: false, searchTrials: 8, reportTrials: 6 };

function buildRun(changes: Partial<SweepRun> = {}, state: 'search' | 'completed' = 'completed') {
  const view = createRecordingView();
  const gentle = new AbortController();
  const run: SweepRun = {
    client: createFakeClient({
      'sweeps.submit': () => accepted,
      'sweeps.show': () => buildSweep({ state, counts: { completed: 7, failed: 1 }, reused: 2 }),
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
    const client = createFakeClient({ 'sweeps.submit': () => ({ ...accepted, created: false, skipped: true }) });
    const { run, view } = buildRun({ client });

    expect(await runSweep(run)).toEqual({
      accepted: { ...accepted, created: false, skipped: true },
      interrupted: false,
    });
    expect(view.lines).toEqual([expect.stringContaining('nothing was submitted')]);
  });
});
