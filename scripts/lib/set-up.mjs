import { join } from 'node:path';
import { checkMachine } from './machine.mjs';
import { findNode, installPackages, packagesInstalled } from './packages.mjs';
import { pruneBuilt } from './prune-built.mjs';
import { SetupProblem, seconds, step } from './report.mjs';
import { ask, ROOT, run } from './run.mjs';

/**
 * Makes a clone ready: packages, build, engine.
 *
 * @param {string[]} args passed on to the engine build: `--flavour cpu|gpu`, `--force`
 * @returns {Promise<number>} exit code; 0 when everything is ready
 */
export async function setUp(args) {
  const start = Date.now();
  const installed = await packagesInstalled();
  await step('machine', async () => ({
    note: await checkMachine({ flavour: flavourOf(args), installed, env: process.env }),
  }));
  await step('npm packages', async () => {
    if (installed) return { note: 'up to date' };
    await installPackages();
    return { note: 'installed' };
  });
  await step('Node', async () => ({ note: await findNode() }));
  await step('build', async () => ({ note: await build() }));
  await step('engine', async () => {
    const code = await run('node', [join(ROOT, 'packages/engine/dist/main-build.js'), ...args]);
    if (code !== 0) throw new SetupProblem('The engine is not ready; the reason is above.', code);
    return {};
  });
  process.stderr.write(`Ready in ${seconds(Date.now() - start)}.\n\n`);
  return 0;
}

function flavourOf(args) {
  const inline = args.find((arg) => arg.startsWith('--flavour='))?.split('=')[1];
  const at = args.indexOf('--flavour');
  return inline ?? (at === -1 ? 'cpu' : (args[at + 1] ?? 'cpu'));
}

/** turbo skips what has not changed; its output is shown only when something fails. */
async function build() {
  await pruneBuilt(ROOT);
  const { code, output } = await ask('turbo', ['run', 'build', '--ui=stream', '--output-logs=errors-only']);
  if (code === 0) return /(\d+) cached, (\d+) total/.exec(output)?.[0];
  throw new SetupProblem(`${output}\n\nThe build failed; the reason is above.`, code);
}
