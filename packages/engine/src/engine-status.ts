import { type EngineManifest, engineDirectory, type FileProblem, readManifest, verifyFiles } from './cache.js';
import type { Flavour } from './versions.js';

/** What the cache holds for a flavour, found out without loading any tensor code. */
export interface EngineStatus {
  readonly flavour: Flavour;
  readonly path: string;
  /** `missing`: never built. `damaged`: built, but files differ from the manifest. */
  readonly state: 'ready' | 'missing' | 'damaged';
  readonly manifest?: EngineManifest;
  readonly problems: readonly FileProblem[];
}

/**
 * Looks an engine up in the cache. Light enough for every CLI command: reads one small file and the sizes of the rest.
 *
 * @param depth `digests` also hashes every file (one to two seconds)
 */
export async function readEngineStatus(
  cacheDir: string,
  flavour: Flavour,
  depth: 'sizes' | 'digests' = 'sizes',
): Promise<EngineStatus> {
  const path = engineDirectory(cacheDir, flavour);
  const manifest = await readManifest(path);
  if (manifest === undefined) return { flavour, path, state: 'missing', problems: [] };
  const problems = await verifyFiles(path, manifest, depth);
  return { flavour, path, state: problems.length === 0 ? 'ready' : 'damaged', manifest, problems };
}
