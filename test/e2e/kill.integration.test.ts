import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createGenerator } from '@adctl/random';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { comparableLeaderboard, killAfter, readResults, run, start, untilTold } from './adctl.ts';
import { makeToySweep } from './toy-sweep.ts';

const KILLS = 4;
/** Checkpoints after every epoch, so that a resumed trial really continues. */
const ENV = { ADCTL_CHECKPOINT_SECONDS: '0' };

describe('adctl sweep killed with -9', () => {
  let toy: Awaited<ReturnType<typeof makeToySweep>>;
  beforeAll(async () => {
    toy = await makeToySweep(90);
  });
  afterAll(() => rm(toy.folder, { recursive: true, force: true }));
  const sweep = (directory: string) => ['sweep', toy.file, '--yes', '--directory', directory];

  // Six sweeps one after the other: half a minute each on two quiet cores, more beside other work.
  test('the whole tree, at random moments: the same command continues and ends with the same leaderboard', {
    timeout: 600_000,
  }, async () => {
    const options = { cwd: toy.folder, env: ENV };
    const undisturbed = await run([...sweep('calm'), '--json'], options);
    expect(undisturbed.code, undisturbed.stderr).toBe(0);

    const generator = createGenerator(20261123, 'kills');
    let killed = 0;
    for (let i = 0; i < KILLS; i++) {
      const running = start(sweep('killed'), options);
      // The first at any moment of the start, the others soon after a trial trains, however slow the machine is.
      const trains = i === 0 ? undefined : untilTold(running, 'epoch ');
      await trains?.catch(() => undefined); // it ended before
      if (await killAfter(running, generator.integer(3_000))) killed++;
    }
    const last = await run([...sweep('killed'), '--json'], options);

    expect(last.code, last.stderr).toBe(0);
    expect(killed).toBeGreaterThanOrEqual(2);
    expect(comparableLeaderboard(last.stdout)).toEqual(comparableLeaderboard(undisturbed.stdout));
    const calm = await readResults(join(toy.folder, 'calm/objects'));
    const disturbed = await readResults(join(toy.folder, 'killed/objects'));
    expect([...disturbed.keys()].sort()).toEqual([...calm.keys()].sort());
    // Some trial was interrupted in the middle, and its weights came out the same bit for bit.
    expect(Math.max(...[...disturbed.values()].map((result) => result.attempt))).toBeGreaterThan(1);
    for (const [trial, result] of disturbed) {
      expect(result.artifacts.model?.sha256, trial).toBe(calm.get(trial)?.artifacts.model?.sha256);
      expect(result.test, trial).toEqual(calm.get(trial)?.test);
    }
  });
});
