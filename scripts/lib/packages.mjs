import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SetupProblem } from './report.mjs';
import { ask, BIN, npmEnvironment, ROOT, run } from './run.mjs';

/**
 * Whether `node_modules` is what `package-lock.json` says. npm writes its own list of what it installed last of all,
 * so an interrupted installation has none.
 */
export async function packagesInstalled() {
  const wanted = await readPackages(join(ROOT, 'package-lock.json'));
  const installed = await readPackages(join(ROOT, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const there = installed[path];
    // Optional packages for other platforms are in the lock file only.
    return there === undefined ? entry.optional === true : identity(there) === identity(entry);
  });
}

function identity({ version, integrity, link, bin }) {
  return JSON.stringify([version, integrity, link, bin]);
}

async function readPackages(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Installs exactly the lock file. Install scripts stay off (`.npmrc`).
 *
 * @throws SetupProblem when npm fails
 */
export async function installPackages() {
  const code = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { env: npmEnvironment() });
  if (code !== 0) {
    throw new SetupProblem(
      'npm ci failed. If it says that package.json and package-lock.json differ, run npm install;\n' +
        'otherwise check the network and the registry (npm config get registry), then run the same command again.',
      code,
    );
  }
}

/**
 * The Node that everything else runs on: the one from the lock file, or, on platforms it does not cover, the one that
 * is there if it is new enough.
 *
 * @returns {Promise<string>} its version
 * @throws SetupProblem when there is none
 */
export async function findNode() {
  const pinned = await ask(join(BIN, 'node'), ['--version']);
  if (pinned.code === 0 && pinned.output.startsWith('v24.')) return pinned.output;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (pinned.code === 127 && (major > 22 || (major === 22 && minor >= 12))) return process.version;
  throw new SetupProblem(
    `Node 24 is not in node_modules (found ${pinned.output || 'none'}) and this one is ${process.version}.\n` +
      'The lock file brings Node for linux-x64 and linux-arm64 as optional packages; was npm told to omit those?\n' +
      'Run npm ci --include=optional, or start npm with Node 22.12 or newer.',
  );
}
