import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  statfs,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { AdctlError } from '@adctl/protocol';
import { buildSuffix, isProcessAlive, removeAbandonedBuilds } from './abandoned.js';
import { compileAddon, compilerVersion } from './addon.js';
import {
  ADDON_FILE,
  BUILD_RECIPE,
  describeFile,
  downloadsDirectory,
  type EngineManifest,
  type EngineSource,
  engineDirectory,
  engineName,
  engineRoot,
  isMissing,
  LIBRARY_FOLDER,
  MANIFEST_FILE,
  readManifest,
  verifyFiles,
} from './cache.js';
import type { EngineEnvironment } from './environment.js';
import { diskFull, platformUnsupported, selfTestFailed } from './errors.js';
import { type Libraries, locateLibraries } from './libraries.js';
import { PROBE_ENTRY, parseProbeOutput } from './probe.js';
import { runProgram } from './process.js';
import { isCurrent, planSources, type SourcePlan } from './sources.js';
import { fetchStockLibraries } from './stock.js';
import { verifySymbols } from './symbols.js';
import { addonPackageDir, addonVersion, type Flavour, platformArch } from './versions.js';
import { ensureCudaWheels, ensureWheel, TENSORFLOW_MEMBERS, unpackWheel } from './wheel.js';

export interface BuildOptions {
  readonly environment: EngineEnvironment;
  readonly flavour: Flavour;
  /** Build even when a valid engine is there. */
  readonly force?: boolean;
  /** Hears one line per step. */
  readonly report: (line: string) => void;
  /** File that tests the new engine in its own process; see {@link PROBE_ENTRY}. */
  readonly probeEntry?: string;
}

export interface BuildOutcome {
  readonly path: string;
  readonly manifest: EngineManifest;
  /** False when the engine in the cache was already the right one. */
  readonly built: boolean;
}

/** Bytes a build takes on disk beside the download: unpacked libraries, and the unpacked CUDA libraries for GPUs. */
const UNPACKED_BYTES: Readonly<Record<Flavour, number>> = { cpu: 0.9e9, gpu: 8e9 };

/**
 * Makes sure that the cache holds a working engine of a flavour.
 *
 * The build happens in a folder of its own and becomes the engine by replacing one link, after its self-test: a failed
 * build leaves the previous engine untouched, and of two builds at once the later wins, both whole.
 *
 * @throws AdctlError, each with a hint: `compiler_missing`, `pip_missing`, `binutils_missing`, `disk_full`,
 *   `platform_unsupported`, `libraries_unusable` (user); `download_failed`, `download_corrupt` (transient);
 *   `compile_failed`, `self_test_failed` (permanent)
 */
export async function buildEngine(options: BuildOptions): Promise<BuildOutcome> {
  const { environment, flavour, report } = options;
  const target = engineDirectory(environment.cacheDir, flavour);
  const previous = await findWholeEngine(target, report);
  if (previous !== undefined && options.force !== true && isCurrent(previous, environment)) {
    return { path: target, manifest: previous, built: false };
  }
  const cached = previous === undefined ? {} : { cached: { directory: target, manifest: previous } };
  const plans = planSources({ environment, flavour, platform: platformArch(), ...cached });
  if (plans.length === 0) throw platformUnsupported(platformArch(), flavour);

  const compiler = await compilerVersion(environment.compiler);
  await assertDiskSpace(options, plans[0]);
  const root = engineRoot(environment.cacheDir);
  const builds = join(root, 'builds');
  await mkdir(builds, { recursive: true });
  await removeAbandonedBuilds({ root, nowMs: Date.now(), isAlive: isProcessAlive });
  const build = await mkdtemp(join(builds, engineName(flavour) + buildSuffix(process.pid)));
  try {
    const manifest = await buildInto(build, plans, compiler, options);
    await replaceEngine(target, build);
    return { path: target, manifest, built: true };
  } catch (error) {
    await rm(build, { recursive: true, force: true });
    throw error;
  }
}

async function findWholeEngine(target: string, report: (line: string) => void): Promise<EngineManifest | undefined> {
  const manifest = await readManifest(target);
  if (manifest === undefined) return undefined;
  const problems = await verifyFiles(target, manifest, 'digests');
  for (const problem of problems) report(`the engine in the cache is damaged: ${problem.path} ${problem.reason}`);
  return problems.length === 0 ? manifest : undefined;
}

async function buildInto(
  build: string,
  plans: readonly SourcePlan[],
  compiler: string,
  options: BuildOptions,
): Promise<EngineManifest> {
  const { environment, flavour, report } = options;
  const { source, libraries } = await provideLibraries(build, plans, options);
  const bindingDir = join(addonPackageDir(flavour), 'binding');
  const count = await verifySymbols(libraries, bindingDir);
  report(`all ${count} TensorFlow functions that the addon calls are exported`);

  const inside = isInside(build, libraries.directory);
  const folders = [libraries, ...libraries.companions].map(({ directory }) => directory);
  const rpath = folders.map((path) => (isInside(build, path) ? `$ORIGIN/${relative(build, path)}` : path)).join(':');
  report(`compiling the addon with ${compiler}`);
  const output = join(build, ADDON_FILE);
  await compileAddon({ compiler: environment.compiler, bindingDir, libraries, rpath, output });

  report('testing the new engine');
  const tensorflowVersion = await probe(build, options);
  const outside = inside ? [] : [libraries.main, libraries.framework].map((name) => join(libraries.directory, name));
  const files = [...(await listFiles(build)), ...outside];
  const manifest: EngineManifest = {
    recipe: BUILD_RECIPE,
    tensorflowVersion,
    addonVersion: addonVersion(flavour),
    flavour,
    platform: platformArch(),
    source,
    compiler,
    builtAt: new Date().toISOString(),
    files: await Promise.all(files.map((path) => describeFile(build, path))),
  };
  await writeFile(join(build, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function isInside(folder: string, path: string): boolean {
  return !relative(folder, path).startsWith('..');
}

/** Tries the sources in order; only a source that cannot be reached gives way to the next. */
async function provideLibraries(
  build: string,
  plans: readonly SourcePlan[],
  options: BuildOptions,
): Promise<{ source: EngineSource; libraries: Libraries }> {
  let unreachable: AdctlError | undefined;
  for (const plan of plans) {
    try {
      const source = await provideSource(build, plan, options);
      const folder = source.kind === 'folder' ? source.path : join(build, LIBRARY_FOLDER);
      return { source, libraries: await locateLibraries(folder) };
    } catch (error) {
      if (!(error instanceof AdctlError) || error.code !== 'download_failed') throw error;
      unreachable ??= error;
    }
  }
  throw unreachable ?? platformUnsupported(platformArch(), options.flavour);
}

async function provideSource(build: string, plan: SourcePlan, options: BuildOptions): Promise<EngineSource> {
  const { environment, report } = options;
  switch (plan.kind) {
    case 'folder':
      report(`using TensorFlow in ${plan.path}`);
      return { kind: 'folder', path: plan.path };
    case 'cache':
      report('using the TensorFlow libraries in the cache');
      await linkLibraries(plan.directory, plan.manifest, build);
      return plan.manifest.source;
    case 'wheel': {
      const { python } = environment;
      const tools = { python, downloads: downloadsDirectory(environment.cacheDir), report };
      const wheel = await ensureWheel(plan.wheel, tools);
      const cuda = plan.wheel.withCuda ? await ensureCudaWheels(wheel, plan.wheel.platformTag, tools) : [];
      report('unpacking the libraries');
      await unpackWheel(wheel, build, TENSORFLOW_MEMBERS, python);
      for (const path of cuda) await unpackWheel(path, build, ['nvidia/'], python);
      return { kind: 'wheel', file: plan.wheel.file, sha256: plan.wheel.sha256 };
    }
    case 'stock': {
      report(`downloading ${plan.url}`);
      const sha256 = await fetchStockLibraries(plan.url, join(build, LIBRARY_FOLDER));
      return { kind: 'stock', url: plan.url, sha256 };
    }
  }
}

/** Hard links: the same 0.85 GB serve the old and the new build until the old one goes. */
async function linkLibraries(from: string, manifest: EngineManifest, build: string): Promise<void> {
  const root = await realpath(from);
  for (const { path } of manifest.files) {
    if (isAbsolute(path) || path === ADDON_FILE) continue;
    await mkdir(dirname(join(build, path)), { recursive: true });
    await link(join(root, path), join(build, path));
  }
}

async function probe(build: string, options: BuildOptions): Promise<string> {
  const result = await runProgram(process.execPath, [
    options.probeEntry ?? PROBE_ENTRY,
    ...['--flavour', options.flavour, '--threads', '1', '--unfinished-build', build],
    '--allow-missing-gpu', // an image is built where there is no GPU; the worker insists on one
  ]);
  const report = result === undefined ? undefined : parseProbeOutput(result.stdout);
  if (result?.code !== 0 || report === undefined) throw selfTestFailed(result?.output ?? 'node did not start');
  return report.info.tensorflowVersion;
}

/** Points the engine's name at the new build in one step, then removes the build it replaced. */
async function replaceEngine(target: string, build: string): Promise<void> {
  const old = await readLinkOrUndefined(target);
  const fresh = `${build}.link`;
  await symlink(join('builds', basename(build)), fresh);
  await rename(fresh, target);
  if (old !== undefined) await rm(join(dirname(target), old), { recursive: true, force: true });
}

async function readLinkOrUndefined(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}

async function assertDiskSpace(options: BuildOptions, plan: SourcePlan | undefined): Promise<void> {
  if (plan === undefined || plan.kind === 'folder' || plan.kind === 'cache') return;
  const download = plan.kind === 'wheel' ? plan.wheel.bytes : 0.5e9;
  const needed = download + UNPACKED_BYTES[options.flavour];
  const root = engineRoot(options.environment.cacheDir);
  await mkdir(root, { recursive: true });
  const { bavail, bsize } = await statfs(root);
  if (bavail * bsize < needed) throw diskFull(root, needed, bavail * bsize);
}
