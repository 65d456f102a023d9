import type { EngineStatus, Flavour, ProbeReport } from '@adctl/engine/status';
import type { DoctorAnswer, DoctorCheck, DoctorEngine } from '../answers/doctor.js';
import { bytes } from '../render/values.js';
import type { ProgramResult, RunProgram } from './run-program.js';

/** What `diagnose` looks at; the command hands in the real things, tests others. */
export interface Surroundings {
  readonly adctl: string;
  /** Version of the Node that runs this, without the v. */
  readonly node: string;
  readonly flavour: Flavour;
  readonly python: string;
  readonly compiler: string;
  readonly cacheDir: string;
  readonly directory: string;
  readonly run: RunProgram;
  readonly engineStatus: () => Promise<EngineStatus>;
  /** Loads and tests the engine in a process of its own. */
  readonly probe: () => Promise<{ readonly report: ProbeReport | undefined; readonly output: ProgramResult }>;
  /** Free bytes where this folder is or would be. */
  readonly freeBytes: (folder: string) => Promise<number>;
  /** Whether files can be made there. */
  readonly isWritable: (folder: string) => Promise<boolean>;
  /** Process id of the controller that runs in the folder. */
  readonly controllerPid: () => Promise<number | undefined>;
  /** Names of the data sets whose files are in the cache. */
  readonly fetchedDatasets: () => Promise<readonly string[]>;
}

const TOOL_TIMEOUT_MS = 20_000;
/** What one modest sweep writes; below it a warning is due. */
const LITTLE_SPACE_BYTES = 2e9;

/** Looks at everything a sweep needs, without changing anything. */
export async function diagnose(surroundings: Surroundings): Promise<DoctorAnswer> {
  const engine = await checkEngine(surroundings);
  const ready = engine.check.status === 'ok';
  const checks = await Promise.all([
    checkNode(surroundings),
    checkNpm(surroundings),
    checkPython(surroundings, ready),
    checkCompiler(surroundings, ready),
    engine.check,
    checkCache(surroundings),
    checkDisk(surroundings),
    checkDatasets(surroundings),
    checkController(surroundings),
  ]);
  return { adctl: surroundings.adctl, engine: engine.facts, checks };
}

function checkNode({ node }: Surroundings): DoctorCheck {
  return Number(node.split('.')[0]) >= 24
    ? { name: 'node', status: 'ok', message: `Node.js ${node}` }
    : {
        name: 'node',
        status: 'warn',
        message: `Node.js ${node}; adctl is developed and tested on 24`,
        mend: 'Run it as npx adctl inside the checkout: npm install puts Node 24 into node_modules/.bin.',
      };
}

async function checkNpm({ run }: Surroundings): Promise<DoctorCheck> {
  const { code, stdout } = await run('npm', ['--version'], TOOL_TIMEOUT_MS);
  return code === 0
    ? { name: 'npm', status: 'ok', message: `npm ${stdout.trim()}` }
    : {
        name: 'npm',
        status: 'warn',
        message: 'npm cannot be started',
        mend: 'Install npm 10 or newer; set-up and datasets fetch use it.',
      };
}

async function checkPython({ run, python }: Surroundings, engineReady: boolean): Promise<DoctorCheck> {
  const { code, stdout } = await run(python, ['-m', 'pip', '--version'], TOOL_TIMEOUT_MS);
  if (code === 0) return { name: 'python', status: 'ok', message: stdout.trim().split(' from ')[0] ?? '' };
  return {
    name: 'python',
    status: engineReady ? 'warn' : 'fail',
    message: `${python} with pip cannot be started; it is needed only to fetch TensorFlow`,
    mend: 'Install python3 and pip, or name another Python in ADCTL_PYTHON.',
  };
}

async function checkCompiler({ run, compiler }: Surroundings, engineReady: boolean): Promise<DoctorCheck> {
  const { code, stdout } = await run(compiler, ['--version'], TOOL_TIMEOUT_MS);
  if (code === 0) return { name: 'compiler', status: 'ok', message: stdout.split('\n')[0] ?? '' };
  return {
    name: 'compiler',
    status: engineReady ? 'warn' : 'fail',
    message: `${compiler} cannot be started; it is needed only to build the engine`,
    mend: 'Install g++ 9 or newer (Debian: apt-get install g++), or name a compiler in CXX.',
  };
}

async function checkEngine(surroundings: Surroundings): Promise<{ check: DoctorCheck; facts: DoctorEngine | null }> {
  const status = await surroundings.engineStatus();
  const mend = surroundings.flavour === 'cpu' ? 'npm run setup' : `npm run setup -- --flavour ${surroundings.flavour}`;
  const broken = (message: string) => ({
    check: { name: 'engine', status: 'fail', message, mend } as const,
    facts: null,
  });
  if (status.state === 'missing') return broken(`not built (${status.path})`);
  if (status.state === 'damaged') {
    const [problem] = status.problems;
    return broken(`damaged: ${problem?.path} ${problem?.reason} (${status.path})`);
  }
  const { report, output } = await surroundings.probe();
  if (report === undefined) return broken(`does not load: ${output.stderr.trim().split('\n')[0] ?? 'no output'}`);
  const failed = report.selfTest.find((check) => !check.passed);
  if (failed !== undefined) return broken(`fails its self-test: ${failed.name}, ${failed.detail}`);
  const { info } = report;
  const facts: DoctorEngine = {
    tensorflow: info.tensorflowVersion,
    flavour: info.flavour,
    gpu: info.isUsingGpu,
    threads: info.threads,
    path: info.path,
  };
  const hardware = info.isUsingGpu ? 'GPU' : 'CPU';
  const message = `TensorFlow ${info.tensorflowVersion}, ${hardware}, ${info.threads.intra} threads, ${info.path}`;
  if (info.flavour === 'gpu' && !info.isUsingGpu) {
    const hint = 'Check nvidia-smi, the driver and CUDA_VISIBLE_DEVICES.';
    return { check: { name: 'engine', status: 'fail', message: `${message}: no GPU is seen`, mend: hint }, facts };
  }
  return { check: { name: 'engine', status: 'ok', message }, facts };
}

async function checkCache({ cacheDir, isWritable }: Surroundings): Promise<DoctorCheck> {
  return (await isWritable(cacheDir))
    ? { name: 'cache', status: 'ok', message: cacheDir }
    : {
        name: 'cache',
        status: 'fail',
        message: `${cacheDir} cannot be written`,
        mend: 'Mend its permissions, or name another folder in ADCTL_CACHE_DIR.',
      };
}

async function checkDisk({ directory, freeBytes, isWritable }: Surroundings): Promise<DoctorCheck> {
  if (!(await isWritable(directory))) {
    return {
      name: 'disk',
      status: 'fail',
      message: `${directory} cannot be written`,
      mend: 'Mend its permissions, or name another folder with --directory.',
    };
  }
  const free = await freeBytes(directory);
  const message = `${bytes(free)} free for ${directory}`;
  return free >= LITTLE_SPACE_BYTES
    ? { name: 'disk', status: 'ok', message }
    : {
        name: 'disk',
        status: 'warn',
        message,
        mend: 'Free some space: checkpoints and results of a sweep take up to some gigabytes.',
      };
}

async function checkDatasets({ fetchedDatasets }: Surroundings): Promise<DoctorCheck> {
  const fetched = await fetchedDatasets();
  return fetched.length > 0
    ? { name: 'datasets', status: 'ok', message: `in the cache: ${fetched.join(', ')}` }
    : { name: 'datasets', status: 'warn', message: 'none is in the cache', mend: 'adctl datasets fetch mnist' };
}

async function checkController({ controllerPid, directory }: Surroundings): Promise<DoctorCheck> {
  const pid = await controllerPid();
  const message =
    pid === undefined ? `none runs in ${directory}; sweep and dev start one` : `runs in ${directory} as process ${pid}`;
  return { name: 'controller', status: 'ok', message };
}
