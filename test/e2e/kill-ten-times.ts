/**
 * Kills a real sweep with -9, the whole process tree, ten times at random moments, lets the same command finish, and compares
 * with an undisturbed run: leaderboard (time columns apart), every model's sha256, every test metric.
 *
 *   node test/e2e/kill-ten-times.ts [SWEEP.yaml] [SEED]     needs a built tree, an engine and MNIST in the cache
 *
 * Exit code 0 when everything is equal.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createGenerator } from '@adctl/random';
import { comparableLeaderboard, killAfter, readResults, run, start } from './adctl.ts';

const KILLS = 10;
const [given, seed = '1'] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'adctl-kill-'));
const file = given === undefined ? join(folder, 'sweep.yaml') : resolve(given);
if (given === undefined) {
  await writeFile(
    file,
    `apiVersion: adctl/v1
kind: Sweep
name: kill-ten-times
methods: [ocgan, dae]
dataset: { name: mnist, protocol: one-class, normal: ["8"] }
search: { algorithm: grid, space: { ocgan: {}, dae: { noise: { values: [none, gauss] } } } }
train: { preset: quick, hyperparameters: { ocgan: { epochs: 8 } } }
seeds: { search: 1, report: 3, finalists: 1 }
`,
  );
}
const sweep = (directory: string) => ['sweep', file, '--yes', '--json', '--directory', join(folder, directory)];
const options = { cwd: folder, env: { ADCTL_CHECKPOINT_SECONDS: '2' } };
const problems: string[] = [];

const calmAt = performance.now();
const calm = await run(sweep('calm'), options);
if (calm.code !== 0) problems.push(`the undisturbed run ended with ${calm.code}: ${calm.stderr}`);
console.log(`undisturbed: exit ${calm.code}, ${((performance.now() - calmAt) / 1000).toFixed(0)} s`);

const generator = createGenerator(Number(seed), 'kill-ten-times');
for (let kill = 1; kill <= KILLS; ) {
  const ms = 3000 + generator.integer(12_000);
  const killed = await killAfter(start(sweep('killed'), options), ms);
  console.log(`kill ${kill}: ${killed ? `after ${(ms / 1000).toFixed(1)} s` : 'came too late, the sweep was done'}`);
  if (!killed) break;
  kill++;
}
const last = await run(sweep('killed'), options);
console.log(`last run: exit ${last.code}`);
if (last.code !== 0) problems.push(`the last run ended with ${last.code}: ${last.stderr}`);

const before = await readResults(join(folder, 'calm/objects'));
const after = await readResults(join(folder, 'killed/objects'));
if (!isDeepStrictEqual(comparableLeaderboard(last.stdout), comparableLeaderboard(calm.stdout))) {
  problems.push('the leaderboards differ');
}
for (const trial of new Set([...before.keys(), ...after.keys()])) {
  const [a, b] = [before.get(trial), after.get(trial)];
  const facts = [a, b].map((result) => [result?.artifacts.model?.sha256, result?.test, result?.selection]);
  if (!isDeepStrictEqual(facts[0], facts[1])) problems.push(`${trial} differs: ${JSON.stringify(facts)}`);
}
const attempts = [...after.values()].map((result) => result.attempt);
console.log(`results: ${after.size}; attempts each: ${attempts.sort((a, b) => a - b).join(' ')}`);
for (const problem of problems) console.error(`PROBLEM: ${problem}`);
console.log(problems.length === 0 ? 'equal: leaderboard, model digests, metrics' : `${problems.length} problems`);
if (problems.length === 0) await rm(folder, { recursive: true, force: true });
process.exitCode = problems.length === 0 ? 0 : 1;
