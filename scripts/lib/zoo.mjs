import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderTables, replaceTables } from './methods-table.mjs';
import { ask, ROOT, run } from './run.mjs';

const ADCTL = join(ROOT, 'packages/cli/bin/run.js');
/** Textures and the embedded deployment of the zoo, apart from other sweeps. */
const FOLDER = join(ROOT, 'zoo');
const DIRECTORY = ['--directory', join(FOLDER, '.adctl')];
const SWEEPS = ['examples/sweeps/zoo.yaml', 'examples/sweeps/zoo-textures.yaml'];
const PAGE = join(ROOT, 'docs/methods.md');
const EXPECTED = join(ROOT, 'examples/sweeps/zoo-expected.json');

/**
 * Trains every registered method on MNIST and on textures, and writes what came out into docs/methods.md. Interrupted, the same
 * command goes on.
 *
 * @param {string[]} args further arguments of `adctl sweep`
 * @returns {Promise<number>} the exit code of adctl: the worst of both sweeps
 */
export async function zoo(args) {
  const fetched = await run('node', [ADCTL, 'datasets', 'fetch', 'mnist']);
  if (fetched !== 0) return fetched;
  const textures = join(FOLDER, 'textures');
  if (!existsSync(textures)) {
    const made = await run('node', [ADCTL, 'datasets', 'make', 'textures', '--out', textures]);
    if (made !== 0) return made;
  }
  const methods = await askJson(['methods', 'list']);
  const names = `methods=[${methods.map(({ name }) => name).join(', ')}]`;
  let worst = 0;
  for (const file of SWEEPS) {
    const code = await run('node', [ADCTL, 'sweep', file, '--yes', '--set', names, ...DIRECTORY, ...args]);
    if (code > 2) return code; // interrupted, or nothing that a table should be made of
    worst = Math.max(worst, code);
  }
  await writeTables(methods);
  return worst;
}

/**
 * Writes the tables from the results that there are.
 *
 * @param {readonly { name: string, family: string }[]} methods
 */
async function writeTables(methods) {
  const board = await askJson(['leaderboard', ...DIRECTORY]);
  const expected = JSON.parse(readFileSync(EXPECTED, 'utf8'));
  writeFileSync(PAGE, replaceTables(readFileSync(PAGE, 'utf8'), renderTables(board, methods, expected)));
  process.stdout.write(`\nThe tables are in ${PAGE}\n`);
}

/** @param {string[]} args */
async function askJson(args) {
  const { code, output } = await ask('node', [ADCTL, ...args, '--json', '--log-level', 'error']);
  if (code !== 0) throw new Error(`adctl ${args.join(' ')} ended with ${code}: ${output}`);
  return JSON.parse(output);
}
