import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import util from 'node:util';
import type * as tfjs from '@tensorflow/tfjs';
import { ADDON_FILE, engineDirectory, readManifest, verifyFiles } from './cache.js';
import { engineAlreadyLoaded, engineMissing, gpuNotSeen } from './errors.js';
import { addonPackageName, addonVersion, type Flavour } from './versions.js';

/** The TensorFlow.js namespace, backed by native TensorFlow. */
export type Tf = typeof tfjs;

export interface LoadEngineOptions {
  readonly flavour: Flavour;
  /**
   * CPU threads of one operation, at least 1. Default: the cores this process may use. Results are bitwise repeatable
   * only at the same number, so a trial records it.
   */
  readonly threads?: number;
  /** Root of the cache, see {@link parseEngineEnvironment}. */
  readonly cacheDir: string;
  /** An unfinished build to load, whose manifest does not exist yet; the builder tests a new engine this way. */
  readonly unfinishedBuild?: string;
  /** Whether a GPU engine may run without a GPU. Default no; an image builder tests its engine where there is none. */
  readonly allowMissingGpu?: boolean;
}

/** What is running, for logs, results and `adctl doctor`. */
export interface EngineInfo {
  readonly tensorflowVersion: string;
  readonly addonVersion: string;
  readonly flavour: Flavour;
  readonly isUsingGpu: boolean;
  /** `intra`: threads inside one operation; `inter`: operations side by side (eager execution runs one at a time). */
  readonly threads: { readonly intra: number; readonly inter: number };
  /** Folder of the engine in the cache. */
  readonly path: string;
}

export interface Engine {
  readonly tf: Tf;
  readonly info: EngineInfo;
}

/** The part of the addon that we call ourselves. */
interface NativeBinding {
  readonly TF_Version: string;
}

interface NodeBackendModule {
  readonly NodeJSKernelBackend: new (
    binding: NativeBinding,
    packageName: string,
  ) => tfjs.KernelBackend & { readonly isUsingGpuDevice: boolean };
}

const require = createRequire(import.meta.url);
let loading: { readonly key: string; readonly engine: Promise<Engine> } | undefined;

/**
 * Loads native TensorFlow into this process and makes it the backend of TensorFlow.js. Later calls with the same
 * options return the same engine; a process can hold only one.
 *
 * @throws AdctlError `engine_missing` (user) when it was not built or does not load; `gpu_not_seen` (permanent) when
 *   flavour `gpu` finds no GPU; `engine_already_loaded` (bug) when this process holds another engine
 */
export async function loadEngine(options: LoadEngineOptions): Promise<Engine> {
  const directory = options.unfinishedBuild ?? engineDirectory(options.cacheDir, options.flavour);
  const intra = options.threads ?? availableParallelism();
  const key = `${directory} with ${intra} threads`;
  if (loading !== undefined && loading.key !== key) throw engineAlreadyLoaded(loading.key, key);
  loading ??= { key, engine: load(options, directory, intra) };
  try {
    return await loading.engine;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

async function load(options: LoadEngineOptions, directory: string, intra: number): Promise<Engine> {
  const { flavour } = options;
  if (options.unfinishedBuild === undefined) await assertWhole(flavour, directory);

  // TensorFlow reads these once, when its library loads; a later change has no effect.
  Object.assign(process.env, nativeVariables(process.env, flavour, intra));
  installRemovedUtilFunctions();

  // The union package must come first: in Node it is the only entry that registers the gradients.
  const tf: Tf = require('@tensorflow/tfjs');
  const binding = requireAddon(flavour, directory);
  const packageName = addonPackageName(flavour);
  // The two steps of the package's own index.js that matter, with the addon from the cache: node_modules stays as
  // npm left it, and a failed build cannot damage a working engine.
  require(`${packageName}/dist/register_all_kernels`);
  const { NodeJSKernelBackend }: NodeBackendModule = require(`${packageName}/dist/nodejs_kernel_backend`);
  const backend = new NodeJSKernelBackend(binding, packageName);
  if (flavour === 'gpu' && !backend.isUsingGpuDevice && options.allowMissingGpu !== true) throw gpuNotSeen(directory);

  tf.registerBackend('tensorflow', () => backend, 3);
  await tf.setBackend('tensorflow');
  await tf.ready();
  tf.enableProdMode();
  const info: EngineInfo = {
    tensorflowVersion: binding.TF_Version,
    addonVersion: addonVersion(flavour),
    flavour,
    isUsingGpu: backend.isUsingGpuDevice,
    threads: { intra, inter: 1 },
    path: directory,
  };
  return { tf, info };
}

async function assertWhole(flavour: Flavour, directory: string): Promise<void> {
  const manifest = await readManifest(directory);
  if (manifest === undefined) throw engineMissing(flavour, directory, `there is none in ${directory}.`);
  const problem = (await verifyFiles(directory, manifest, 'sizes'))[0];
  if (problem !== undefined) throw engineMissing(flavour, directory, `${problem.path} ${problem.reason}.`);
}

function requireAddon(flavour: Flavour, directory: string): NativeBinding {
  try {
    return require(join(directory, ADDON_FILE));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw engineMissing(flavour, directory, `its addon does not load (${reason}).`, error);
  }
}

/**
 * Variables that steer the native library. What changes numbers is always set; the rest only where the user has not.
 * Measured with 2.21.0 on two cores, 20 matrix products of 1500 x 1500: one thread 654 ms wall and 686 ms CPU, two
 * threads 452 ms wall and 712 ms CPU, the same with one or two `inter` threads.
 */
export function nativeVariables(
  current: Readonly<Record<string, string | undefined>>,
  flavour: Flavour,
  intra: number,
): Record<string, string> {
  return {
    TF_CPP_MIN_LOG_LEVEL: current.TF_CPP_MIN_LOG_LEVEL ?? '2',
    ...(flavour === 'gpu' ? REPEATABLE_ON_GPU : {}),
    TF_FORCE_GPU_ALLOW_GROWTH: current.TF_FORCE_GPU_ALLOW_GROWTH ?? 'true',
    TF_NUM_INTRAOP_THREADS: String(intra),
    TF_NUM_INTEROP_THREADS: '1',
  };
}

/**
 * With these a GPU's numbers repeat bit for bit, and compare with a CPU's: kernels whose sums have a fixed order, and full float32
 * products (since Ampere NVIDIA's libraries round the factors to 10 bits of mantissa, TF32). On an H200 training steps of eight methods
 * took 0.6 to 1.6 times as long with them, in one run each.
 */
const REPEATABLE_ON_GPU = { TF_DETERMINISTIC_OPS: '1', NVIDIA_TF32_OVERRIDE: '0' };

/** tfjs-node 4.22 calls two functions that Node 23 removed (fixed upstream, never released). */
function installRemovedUtilFunctions(): void {
  const removed: { isNullOrUndefined?: (value: unknown) => boolean; isArray?: (value: unknown) => boolean } = util;
  removed.isNullOrUndefined ??= (value) => value === null || value === undefined;
  removed.isArray ??= Array.isArray;
}
