import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';

/**
 * Every environment variable the engine reads, in one place. `main-*.ts` files and the packages that use the engine
 * parse it once and pass the value down.
 */
const EngineVariables = z.object({
  /** Where adctl keeps what it can rebuild. Default: `$XDG_CACHE_HOME/adctl`, else `~/.cache/adctl`. */
  ADCTL_CACHE_DIR: z.string().min(1).optional(),
  XDG_CACHE_HOME: z.string().min(1).optional(),
  /** Where the engine lies instead: an image brings it along, while data sets go to a volume. */
  ADCTL_ENGINE_CACHE_DIR: z.string().min(1).optional(),
  /** A folder that already holds TensorFlow: `site-packages/tensorflow`, or an unpacked libtensorflow. */
  ADCTL_TENSORFLOW_DIR: z.string().min(1).optional(),
  /** `1`: allow the libtensorflow 2.9.1 tarball that the npm package would install by itself. */
  ADCTL_TENSORFLOW_STOCK: z.enum(['0', '1']).optional(),
  /** Prefix of that tarball's address, the same variable the npm package reads. */
  TFJS_NODE_BASE_URI: z.url().optional(),
  /** Python with pip, used only to download and unpack the wheel. */
  ADCTL_PYTHON: z.string().min(1).optional(),
  /** C++ compiler. */
  CXX: z.string().min(1).optional(),
});

/** What the engine takes from its surroundings. Paths are absolute. */
export interface EngineEnvironment {
  /** Root of the cache with the engine. */
  readonly cacheDir: string;
  readonly tensorflowDir?: string;
  readonly allowStockDownload: boolean;
  /** Ends before `<flavour>-linux-x86_64-2.9.1.tar.gz`. */
  readonly stockBaseUri: string;
  readonly python: string;
  readonly compiler: string;
}

const STOCK_BASE_URI = 'https://storage.googleapis.com/tensorflow/libtensorflow/libtensorflow-';

/**
 * Reads the engine's settings from environment variables. Empty variables count as unset.
 *
 * @param variables usually `process.env`
 * @param home the user's home folder
 * @throws ZodError when a variable has an impossible value
 */
export function parseEngineEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  home: string = homedir(),
): EngineEnvironment {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const env = EngineVariables.parse(set);
  const cacheRoot =
    env.ADCTL_ENGINE_CACHE_DIR ?? env.ADCTL_CACHE_DIR ?? join(env.XDG_CACHE_HOME ?? join(home, '.cache'), 'adctl');
  return {
    cacheDir: resolve(cacheRoot),
    ...(env.ADCTL_TENSORFLOW_DIR === undefined ? {} : { tensorflowDir: resolve(env.ADCTL_TENSORFLOW_DIR) }),
    allowStockDownload: env.ADCTL_TENSORFLOW_STOCK === '1',
    stockBaseUri: env.TFJS_NODE_BASE_URI ?? STOCK_BASE_URI,
    python: env.ADCTL_PYTHON ?? 'python3',
    compiler: env.CXX ?? 'g++',
  };
}
