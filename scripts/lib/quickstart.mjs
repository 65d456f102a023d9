import { join } from 'node:path';
import { ROOT, run } from './run.mjs';

const ADCTL = join(ROOT, 'packages/cli/bin/run.js');

/**
 * The main job on real data: fetch MNIST, then the OCGAN sweep with its live view and leaderboard.
 *
 * @param {string[]} args further arguments of `adctl sweep`
 * @returns {Promise<number>} the exit code of adctl
 */
export async function quickstart(args) {
  const fetched = await run('node', [ADCTL, 'datasets', 'fetch', 'mnist']);
  if (fetched !== 0) return fetched;
  return run('node', [ADCTL, 'sweep', 'examples/sweeps/ocgan.yaml', '--yes', ...args]);
}
