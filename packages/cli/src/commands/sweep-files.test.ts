import { globSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeTextures, TEXTURE_DEFAULTS } from '@adctl/datasets';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PlanAnswer } from '../answers/plan.js';
import { runCommand } from '../testing/run-command.fixtures.js';
import Plan from './plan.js';
import Sweep from './sweep.js';
import Validate from './validate.js';

const EXAMPLES = fileURLToPath(new URL('../../../../examples/sweeps/', import.meta.url));
const BROKEN = fileURLToPath(new URL('../testing/fixtures/broken.yaml', import.meta.url));
const examples = globSync('**/*.yaml', { cwd: EXAMPLES }).sort();

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adctl-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a file with five different mistakes', () => {
  const MISTAKES = [
    [4, 7, 'Broken Sweep'],
    [5, 9, "'ocgann'"],
    [6, 58, "'12'"],
    [13, 3, '"epochs"'],
    [14, 37, '"many"'],
  ] as const;

  it.each([
    ['validate', Validate],
    ['plan', Plan],
    ['sweep', Sweep],
  ])('adctl %s names all five with line and column, ends with 2 and starts nothing', async (_name, command) => {
    const directory = join(folder, '.adctl');

    const { stdout, stderr, exitCode } = await runCommand(command, [BROKEN, '--directory', directory]);

    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('has 5 mistakes');
    for (const [line, column, words] of MISTAKES) {
      const place = stderr.split('\n').find((text) => text.startsWith(`${BROKEN}:${line}:${column} `));
      expect(place, `${line}:${column}`).toContain(words);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('gives them to programs with --json', async () => {
    const { stdout, stderr, exitCode } = await runCommand(Validate, [BROKEN, '--json']);

    const { error } = JSON.parse(stdout);
    expect(exitCode).toBe(2);
    expect(stderr).toBe('');
    expect(error).toMatchObject({ code: 'invalid_sweep', kind: 'user' });
    expect(error.details.issues.map((issue: { line: number; column: number }) => [issue.line, issue.column])).toEqual(
      MISTAKES.map(([line, column]) => [line, column]),
    );
  });
});

/** Makes a small set for an example that wants one beside it; returns the flags that name it. */
async function makeItsTextures(path: string, out: string): Promise<string[]> {
  if (!/root: (\S+\/)?textures/.test(await readFile(path, 'utf8'))) return [];
  await makeTextures({ ...TEXTURE_DEFAULTS, out, size: 32, train: 10, test: 2, defective: 6 });
  return ['--set', `dataset.root=${out}`];
}

describe('the examples', () => {
  it('are there', () => {
    expect(examples).toEqual(
      expect.arrayContaining(['dae.yaml', 'fashion.yaml', 'ocgan-mnist-full.yaml', 'ocgan.yaml']),
    );
  });

  it.each(examples)('%s passes every check, and plans what it is meant to be', async (file) => {
    const path = `${EXAMPLES}${file}`;
    const made = await makeItsTextures(path, join(folder, 'textures'));
    const validated = await runCommand(Validate, [path, ...made]);
    const planned = await runCommand(Plan, [path, ...made, '--json', '--directory', join(folder, '.adctl')]);

    expect(validated.stderr).toBe('');
    expect(validated.exitCode).toBe(0);
    const { trials, methods } = PlanAnswer.parse(JSON.parse(planned.stdout));
    expect(trials.total).toBe(trials.search + trials.report);
    expect(Math.min(...methods.map((method) => method.parameters.least))).toBeGreaterThan(1000);
  });

  it('ocgan.yaml, the one of the README, is at most twenty trainings', async () => {
    const { stdout } = await runCommand(Plan, [`${EXAMPLES}ocgan.yaml`, '--json', '--directory', folder]);

    expect(PlanAnswer.parse(JSON.parse(stdout)).trials.total).toBeLessThanOrEqual(20);
  });
});

describe('--set', () => {
  it('changes a value of the file', async () => {
    const { stdout } = await runCommand(Plan, [
      `${EXAMPLES}ocgan.yaml`,
      ...['--set', 'seeds.report=5', '--set', 'limits.maxTrials=50'],
      ...['--json', '--directory', join(folder, '.adctl')],
    ]);

    expect(PlanAnswer.parse(JSON.parse(stdout)).seeds.report).toBe(5);
  });

  it('is named where its value is wrong, beside the places of the file', async () => {
    const { stderr, exitCode } = await runCommand(Validate, [BROKEN, '--set', 'train.preset=fast']);

    expect(exitCode).toBe(2);
    expect(stderr).toContain('has 6 mistakes');
    expect(stderr).toContain('--set train.preset=fast ');
  });
});

it('says what is wrong with a path', async () => {
  const missing = await runCommand(Validate, [join(folder, 'none.yaml')]);
  await writeFile(join(folder, 'empty.yaml'), '');
  const empty = await runCommand(Validate, [join(folder, 'empty.yaml')]);

  expect(missing.stderr).toContain('there is no such file');
  expect(empty.stderr).toContain('the file is empty');
  expect([missing.exitCode, empty.exitCode]).toEqual([2, 2]);
});
