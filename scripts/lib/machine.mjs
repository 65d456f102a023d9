import { access, mkdir, readdir, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { SetupProblem } from './report.mjs';
import { ask, npmEnvironment, ROOT } from './run.mjs';

/** Disk a first set-up takes, in bytes: node_modules, and the engine with its download. */
const NODE_MODULES_BYTES = 0.9e9;
const ENGINE_BYTES = 1.2e9;

/**
 * Looks at what set-up needs and reports everything that is missing at once.
 *
 * @param {{ flavour: string, installed: boolean, env: NodeJS.ProcessEnv }} facts `installed`: `node_modules` is complete
 * @throws SetupProblem listing each missing thing with the way to get it
 * @returns {Promise<string>} what was found, for the step line
 */
export async function checkMachine({ flavour, installed, env }) {
  const engineThere = await hasEngine(flavour, env);
  const named = Boolean(env.ADCTL_TENSORFLOW_DIR);
  const found = await Promise.all([
    checkNpm(),
    engineThere ? undefined : checkCompiler(env),
    engineThere || named ? undefined : checkPip(env),
    checkDisk(ROOT, installed ? 0 : NODE_MODULES_BYTES, 'the npm packages'),
    checkDisk(
      cacheDirectory(env),
      engineThere ? 0 : ENGINE_BYTES,
      'the TensorFlow engine (its place: ADCTL_CACHE_DIR)',
    ),
  ]);
  const missing = found.filter((item) => item?.missing !== undefined);
  if (missing.length > 0) {
    throw new SetupProblem(['Missing on this machine:', ...missing.map((item) => `  - ${item.missing}`)].join('\n'));
  }
  return found.flatMap((item) => item?.found ?? []).join(', ');
}

/** The cache folder, by the same rule as `packages/engine/src/environment.ts`. */
function cacheDirectory(env) {
  const root = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return resolve(env.ADCTL_CACHE_DIR || join(root, 'adctl'));
}

/** With any engine of the flavour in the cache, compiler and pip are needed only if it turns out to be unusable. */
async function hasEngine(flavour, env) {
  try {
    const root = join(cacheDirectory(env), 'engine');
    const names = (await readdir(root)).filter((name) => name.includes(`-${flavour}-`));
    await Promise.any(names.map((name) => access(join(root, name, 'MANIFEST.json'))));
    return true;
  } catch {
    return false;
  }
}

async function checkNpm() {
  const { code, output } = await ask('npm', ['--version'], npmEnvironment());
  const version = output.split('\n').at(-1);
  if (code === 0 && Number.parseInt(version, 10) >= 10) return { found: `npm ${version}` };
  return { missing: `npm 10 or newer (found ${code === 0 ? version : 'none'}): https://nodejs.org` };
}

async function checkCompiler(env) {
  const [command, ...args] = (env.CXX || 'g++').split(/\s+/);
  const { code, output } = await ask(command, [...args, '--version']);
  if (code === 0) return { found: output.split('\n')[0] };
  return { missing: `a C++ compiler ("${command}"): apt-get install g++, or name yours in CXX` };
}

async function checkPip(env) {
  const python = env.ADCTL_PYTHON || 'python3';
  const { code, output } = await ask(python, ['-m', 'pip', '--version']);
  if (code === 0) return { found: output.split(' from ')[0] };
  return {
    missing: `Python 3 with pip ("${python}"): apt-get install python3 python3-pip, or name yours in ADCTL_PYTHON`,
  };
}

async function checkDisk(directory, neededBytes, what) {
  if (neededBytes === 0) return undefined;
  await mkdir(directory, { recursive: true });
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free >= neededBytes) return undefined;
  const gigabytes = (bytes) => (bytes / 1e9).toFixed(1);
  return { missing: `${gigabytes(neededBytes)} GB in ${directory} for ${what}; ${gigabytes(free)} GB are free` };
}
