import { access, constants, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type Flavour,
  PROBE_ENTRY,
  parseEngineEnvironment,
  parseProbeOutput,
  readEngineStatus,
} from '@adctl/engine/status';
import { runningController } from './connect.js';
import { fetchedNames } from './datasets.js';
import type { Surroundings } from './doctor.js';
import { folderExists } from './files.js';
import { runProgram } from './run-program.js';

const PROBE_TIMEOUT_MS = 120_000;

/** The machine as it is, for `diagnose`. */
export function lookAround(options: {
  readonly adctl: string;
  readonly directory: string;
  readonly flavour: Flavour;
  readonly threads: number | undefined;
}): Surroundings {
  const environment = parseEngineEnvironment(process.env);
  const { cacheDir } = environment;
  return {
    ...options,
    node: process.versions.node,
    python: environment.python,
    compiler: environment.compiler,
    cacheDir,
    run: runProgram,
    engineStatus: () => readEngineStatus(cacheDir, options.flavour),
    async probe() {
      const threads = options.threads === undefined ? [] : ['--threads', String(options.threads)];
      const args = [PROBE_ENTRY, '--flavour', options.flavour, '--allow-missing-gpu', ...threads];
      const output = await runProgram(process.execPath, args, PROBE_TIMEOUT_MS);
      return { report: parseProbeOutput(output.stdout), output };
    },
    async freeBytes(folder) {
      const { bavail, bsize } = await statfs(await nearestExisting(folder));
      return bavail * bsize;
    },
    async isWritable(folder) {
      const nearest = await nearestExisting(folder);
      return access(nearest, constants.W_OK).then(
        () => true,
        () => false,
      );
    },
    controllerPid: async () => (await runningController(options.directory))?.pid,
    fetchedDatasets: () => fetchedNames(cacheDir),
  };
}

/** The folder itself, or the nearest parent that exists. */
async function nearestExisting(folder: string): Promise<string> {
  return (await folderExists(folder)) || dirname(folder) === folder ? folder : nearestExisting(dirname(folder));
}
