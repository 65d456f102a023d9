import { access } from 'node:fs/promises';
import { Leaderboard } from '@adctl/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SweepRunAnswer, SweepsListAnswer } from './answers/sweeps.js';
import { TrialsListAnswer, TrialsShowAnswer } from './answers/trials.js';
import { createWorkplace, type Workplace } from './testing/built-cli.fixtures.js';

/** Long enough to be interrupted. */
const MANY_EPOCHS = 10_000;
/** Search: 2 configurations x 2 classes; report: 1 finalist x 2 classes x 3 seeds. */
const TRIALS = 10;

let place: Workplace;
beforeEach(async () => {
  place = await createWorkplace();
});
afterEach(() => place.close());

const json = async (args: readonly string[]): Promise<unknown> => {
  const { stdout, stderr, exitCode } = await place.run([...args, '--json']);
  expect(exitCode, stderr).toBe(0);
  return JSON.parse(stdout);
};

describe('adctl sweep', () => {
  it('runs to a leaderboard, which the other commands find afterwards', async () => {
    const file = await place.writeSweep();

    const { stdout, stderr, exitCode } = await place.run(['sweep', file]);

    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain('folder, one-class, normal bolt, nut');
    expect(stdout).toContain('Results and artifacts:');
    expect(stderr.match(/^completed /gm)).toHaveLength(TRIALS);

    const [sweep] = SweepsListAnswer.parse(await json(['sweeps', 'list']));
    expect(sweep).toMatchObject({ state: 'completed', name: 'toy' });
    const trials = TrialsListAnswer.parse(await json(['trials', 'list', '--sweep', 'toy']));
    expect(trials).toHaveLength(TRIALS);
    const trial = TrialsShowAnswer.parse(await json(['trials', 'show', trials[0]?.trial ?? '']));
    for (const location of Object.values(trial.artifactLocations)) await access(location);
    const { groups } = Leaderboard.parse(await json(['leaderboard', '--sweep', 'toy']));
    expect(groups[0]?.rows[0]).toMatchObject({ rank: 1, method: 'dae' });
  });

  it('reuses equal trials of an earlier sweep and says so; --fresh trains them again', async () => {
    await place.run(['sweep', await place.writeSweep({ name: 'first' })]);

    const second = await place.run(['sweep', await place.writeSweep({ name: 'second' })]);
    const fresh = await place.run(['sweep', await place.writeSweep({ name: 'second' }), '--fresh']);

    expect(second.stderr).toContain(`Reused ${TRIALS} trials`);
    expect(second.stderr).toMatch(/reused from first-[0-9a-f]{8} t0/);
    expect(fresh.stderr).not.toContain('Reused');
  });

  it('stops at Ctrl-C with exit code 130, and the same command continues', async () => {
    const file = await place.writeSweep({ epochs: MANY_EPOCHS, values: [0.001] });
    const first = place.start(['sweep', file]);
    await first.tells('epoch ');

    first.child.kill('SIGINT');

    expect(await first.ended).toBe(130);
    expect(first.stderr()).toContain('The same command continues');
    const [sweep] = SweepsListAnswer.parse(await json(['sweeps', 'list', '--active']));
    const waiting = TrialsListAnswer.parse(await json(['trials', 'list', '--sweep', sweep?.sweep ?? '']));
    expect(waiting.every((trial) => trial.failures.length === 0)).toBe(true);

    const again = place.start(['sweep', file]);
    await again.tells('continues where it was');
    await again.tells(' attempt ');
    again.child.kill('SIGINT');
    await again.ended;
  });

  it('ends at Ctrl-C with exit code 130 while it still reads the file, and nothing is submitted', async () => {
    const cli = place.start(['sweep', '-'], 'open');
    // More than a pipe holds: once it is gone, somebody reads.
    await new Promise((taken) => cli.child.stdin?.write(`# ${'-'.repeat(4 * 2 ** 20)}\n`, taken));

    cli.child.kill('SIGINT');

    expect(await cli.ended).toBe(130);
    expect(cli.stderr()).toContain('nothing was submitted');
  });

  it('loses nothing when its process is killed: the same command continues', async () => {
    const file = await place.writeSweep({ epochs: MANY_EPOCHS, values: [0.001] });
    const first = place.start(['sweep', file]);
    await first.tells('epoch ');

    first.child.kill('SIGKILL');
    await first.ended;

    const again = place.start(['sweep', file]);
    await again.tells('continues where it was');
    await again.tells(' attempt ');
    again.child.kill('SIGINT');
    expect(await again.ended).toBe(130);
  });

  it('leaves a controller behind with --detach, until the sweep has ended', async () => {
    const { stdout, stderr, exitCode } = await place.run(['sweep', await place.writeSweep(), '--detach']);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^toy-[0-9a-f]{8}\n$/);

    const watched = await place.run(['sweeps', 'watch', stdout.trim()]);

    expect(watched.exitCode, watched.stderr).toBe(0);
    expect(watched.stdout).toContain('folder, one-class');
  });

  it('skips when a sweep of the name is active and --if-active skip is given', async () => {
    const dev = place.start(['dev']);
    await dev.tells('Ctrl-C stops it');
    await place.run(['sweep', await place.writeSweep({ epochs: MANY_EPOCHS }), '--detach']);

    const answer = SweepRunAnswer.parse(
      await json(['sweep', await place.writeSweep({ epochs: 3 }), '--if-active', 'skip']),
    );

    expect(answer.accepted).toMatchObject({ skipped: true, created: false });
    dev.child.kill('SIGINT');
    await dev.ended;
  });
});

describe('adctl dev', () => {
  it('serves the commands of another terminal, refuses a second one, and ends at Ctrl-C', async () => {
    const dev = place.start(['dev']);
    await dev.tells('Ctrl-C stops it');

    const second = await place.run(['dev']);
    const onGpu = await place.run(['sweep', await place.writeSweep(), '--flavour', 'gpu']);
    const swept = await place.run(['sweep', await place.writeSweep(), '--slots', '7']);
    const workers = await place.run(['workers']);

    expect(second.exitCode).toBe(2);
    expect(second.stderr).toContain(`as process ${dev.child.pid}`);
    expect(onGpu.exitCode, onGpu.stderr).toBe(2);
    expect(onGpu.stderr).toContain('trains on cpu, not on gpu');
    expect(swept.exitCode, swept.stderr).toBe(0);
    expect(swept.stderr).toContain('--slots 7 has no effect');
    expect(workers.stdout).toMatch(/^w0-/m);
    await dev.tells(swept.stdout.match(/toy-[0-9a-f]{8}/)?.[0] ?? 'no sweep');
    dev.child.kill('SIGINT');
    expect(await dev.ended).toBe(0);
    expect((await place.run(['workers'])).stdout).toContain('No controller runs');
  });

  it('lets another terminal pause, resume and cancel a sweep', async () => {
    const dev = place.start(['dev']);
    await dev.tells('Ctrl-C stops it');
    const file = await place.writeSweep({ epochs: MANY_EPOCHS });
    const sweep = (await place.run(['sweep', file, '--detach'])).stdout.trim();
    await dev.tells('epoch ');

    expect(await json(['sweeps', 'pause', sweep])).toMatchObject({ state: 'paused' });
    const again = await place.run(['sweep', file]);
    expect(again.exitCode, again.stderr).toBe(75);
    expect(again.stderr).toContain(`adctl sweeps resume ${sweep}`);
    expect(await json(['sweeps', 'resume', sweep])).toMatchObject({ state: 'search' });
    await place.run(['sweeps', 'cancel', sweep, '--now']);
    const watched = await place.run(['sweeps', 'watch', sweep]);

    expect(watched.stdout).toContain('is cancelled');
    expect(watched.exitCode).toBe(1);
    dev.child.kill('SIGINT');
    expect(await dev.ended).toBe(0);
  });
});

it('reading commands say that nothing was run in a folder', async () => {
  const { stderr, exitCode } = await place.run(['leaderboard']);

  expect(exitCode).toBe(2);
  expect(stderr).toContain('Nothing has been run here');
});
