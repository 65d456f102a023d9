import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Leaderboard } from '@adctl/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TrialsListAnswer, TrialsShowAnswer } from './answers/trials.js';
import { createWorkplace, type Workplace } from './testing/built-cli.fixtures.js';

const SWEEP = `apiVersion: adctl/v1
kind: Sweep
name: textures
method: dae
dataset: { name: mvtec, root: set, protocol: mvtec, normal: each, image: { height: 32, width: 32, channels: 3 } }
train: { preset: quick, hyperparameters: { epochs: 2 } }
seeds: { search: 1, report: 1, finalists: 1 }
limits: { maxTrials: 10 }
`;
const BROKEN = join('set', 'tile', 'ground_truth', 'hole', '000_mask.png');

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({ trains: true });
  await writeFile(join(place.folder, 'textures.yaml'), SWEEP);
});
afterAll(() => place.close());

it('a bad mask of one category is named with exit code 2, and the other category has its pixel metrics', async () => {
  const small = ['--size', '32', '--train', '12', '--test', '4', '--defective', '6', '--families', 'mesh,tile'];
  const made = await place.run(['datasets', 'make', 'textures', '--out', 'set', ...small]);
  expect(made.exitCode, made.stderr).toBe(0);
  await writeFile(join(place.folder, BROKEN), (await readFile(join(place.folder, BROKEN))).subarray(0, 50));

  const swept = await place.run(['sweep', 'textures.yaml']);

  expect(swept.exitCode, swept.stderr).toBe(2);
  expect(swept.stdout).toContain(`${BROKEN}: cannot be read as an image`);
  const read = async (args: readonly string[]) => JSON.parse((await place.run([...args, '--json'])).stdout) as unknown;
  const trials = TrialsListAnswer.parse(await read(['trials', 'list', '--sweep', 'textures']));
  expect(trials.map(({ normal, state }) => `${normal} ${state}`).sort()).toEqual([
    'mesh completed',
    'mesh completed',
    'tile failed',
    'tile failed',
  ]);
  const { groups } = Leaderboard.parse(await read(['leaderboard', '--sweep', 'textures']));
  const [row] = groups[0]!.rows;
  expect(row).toMatchObject({
    rank: null,
    unrankedReason: expect.stringContaining('1 failed'),
    parameters: expect.any(Number),
  });
  const mesh = row!.classes.find(({ normal }) => normal === 'mesh')!;
  expect(mesh.auroc?.mean).toBeGreaterThan(0);
  expect(mesh.pixelAuroc?.mean).toBeGreaterThan(0);
  expect(mesh.pro?.mean).toBeGreaterThanOrEqual(0);
  const reported: TrialsShowAnswer[] = [];
  for (const { trial, state } of trials) {
    // One after the other: each command starts a controller of its own for the moment.
    if (state === 'completed') reported.push(TrialsShowAnswer.parse(await read(['trials', 'show', trial])));
  }
  const [found, ...others] = reported.filter(({ artifactLocations }) => artifactLocations.maps !== undefined);
  expect(others, 'search trials make no maps').toEqual([]);
  expect(found!.result!.pixel).toMatchObject({ height: 32, width: 32, normalPixels: expect.any(Number) });
  expect((await readFile(found!.artifactLocations.maps!)).subarray(1, 4).toString()).toBe('PNG');
}, 240_000);
