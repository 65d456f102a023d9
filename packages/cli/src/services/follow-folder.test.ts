import type { SweepSummary } from '@adctl/protocol';
import { describe, expect, it } from 'vitest';
import { buildSweep } from '../testing/builders.fixtures.js';
import { createFakeClient } from '../testing/fake-client.fixtures.js';
import { createFakePace, createRecordingView } from '../testing/recording-view.fixtures.js';
import { followFolder } from './follow-folder.js';

const before = buildSweep({ sweep: 'before-00000000', state: 'completed' });
const quick = buildSweep({ sweep: 'quick-00000000', state: 'completed', counts: { completed: 3 } });
const slow = (state: 'search' | 'completed') => buildSweep({ sweep: 'slow-00000000', state });

/** Follows a folder whose list of sweeps is given by the number of waits so far. */
async function follow(scenes: readonly (readonly SweepSummary[])[]) {
  let scene = 0;
  const current = () => scenes[Math.min(scene, scenes.length - 1)] ?? [];
  const view = createRecordingView();
  const client = createFakeClient({
    'sweeps.list': () => [...current()],
    'sweeps.show': ({ sweep }) => current().find((summary) => summary.sweep === sweep) ?? before,
    'trials.list': () => [],
  });
  const pace = createFakePace(() => {
    scene += 1;
  });
  await followFolder({ client, view, pace, signal: new AbortController().signal, untilIdle: true, flavour: 'gpu' });
  return { lines: view.lines, waited: pace.now() };
}

describe('followFolder', () => {
  it('follows what becomes active, and ends when it has ended', async () => {
    const { lines } = await follow([[before], [slow('search'), before], [slow('completed'), before]]);

    expect(lines.filter((line) => line.startsWith('Sweep'))).toEqual(['Sweep slow-00000000 is active.']);
    expect(lines).toContainEqual(expect.stringMatching(/^left slow-00000000 {2}completed/));
  });

  it('tells of a sweep that came and went between two looks', async () => {
    const { lines } = await follow([[before], [quick, before]]);

    expect(lines).toEqual(['Sweep quick-00000000 completed: 3 trials.']);
  });

  it('tells once of a sweep that was begun with other workers, and does not wait for it', async () => {
    const stuck = buildSweep({ sweep: 'stuck-00000000', state: 'search', class: 'cpu' });
    const own = (state: 'search' | 'completed') => buildSweep({ sweep: 'own-00000000', state, class: 'gpu' });

    const { lines } = await follow([[stuck], [stuck, own('search')], [stuck, own('completed')]]);

    expect(lines.filter((line) => line.startsWith('Sweep'))).toEqual([
      expect.stringMatching(/^Sweep stuck-00000000 does not run here: .* --flavour cpu, .* gpu\.$/),
      'Sweep own-00000000 is active.',
    ]);
  });

  it('gives up after a minute in which nothing came', async () => {
    const { lines, waited } = await follow([[before]]);

    expect(lines).toEqual([]);
    expect(waited).toBeGreaterThan(60);
    expect(waited).toBeLessThan(65);
  });
});
