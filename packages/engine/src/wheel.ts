import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfFile } from './cache.js';
import { downloadCorrupt, downloadFailed, librariesUnusable, toolMissing } from './errors.js';
import { exists } from './libraries.js';
import { runProgram } from './process.js';
import { type PinnedWheel, WHEEL_PYTHON_VERSION } from './wheel-pins.js';

/** Python with pip, where downloads are kept, and who hears about progress. */
export interface WheelTools {
  readonly python: string;
  readonly downloads: string;
  readonly report: (line: string) => void;
}

/** The parts of a TensorFlow wheel that the addon needs: 0.85 GB of 1.3. */
export const TENSORFLOW_MEMBERS = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/ctstring',
  'tensorflow/include/tsl/platform/ctstring',
  'tensorflow/include/xla/tsl/c/',
];

/**
 * Makes sure that a pinned wheel lies in the downloads folder, and is the file we know. What an interrupted set-up
 * fetched is used; a file with another digest is removed and fetched again.
 *
 * @returns the wheel's path
 * @throws AdctlError `download_failed`, `download_corrupt` (transient), `pip_missing` (user)
 */
export async function ensureWheel(wheel: PinnedWheel, tools: WheelTools): Promise<string> {
  const path = join(tools.downloads, wheel.file);
  if (await exists(path)) {
    if ((await sha256OfFile(path)) === wheel.sha256) return path;
    tools.report(`${wheel.file} in the downloads folder is damaged: fetching it again`);
    await rm(path);
  }
  const requirement = `${wheel.distribution}==${wheel.version}`;
  tools.report(`downloading ${wheel.file} (${(wheel.bytes / 1e9).toFixed(2)} GB)`);
  const fetched = await pipDownload(requirement, wheel.platformTag, tools);
  const actual = await sha256OfFile(fetched);
  if (actual !== wheel.sha256) {
    await rm(fetched);
    throw downloadCorrupt(wheel.file, wheel.sha256, actual);
  }
  return fetched;
}

/**
 * NVIDIA's wheels that a TensorFlow wheel asks for in its `and-cuda` extra. Their exact versions come from the pinned
 * wheel's own metadata; pip checks them against the index's digests.
 */
export async function ensureCudaWheels(tensorflowWheel: string, platformTag: string, tools: WheelTools) {
  const script = [
    'import sys, zipfile',
    'archive = zipfile.ZipFile(sys.argv[1])',
    'name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))',
    'print(archive.read(name).decode())',
  ].join('\n');
  const result = await runPython(tools.python, ['-c', script, tensorflowWheel]);
  const paths: string[] = [];
  for (const requirement of cudaRequirements(result.stdout)) {
    tools.report(`downloading ${requirement}`);
    paths.push(await pipDownload(requirement, platformTag, tools));
  }
  return paths;
}

/** The requirements of a wheel's METADATA that belong to the extra `and-cuda`, as pip wants them (`name<2,>=1`). */
export function cudaRequirements(metadata: string): string[] {
  const lines = metadata.matchAll(/^Requires-Dist: *([^;\n]+); *extra == ['"]and-cuda['"]\s*$/gm);
  return [...lines].map((match) => (match[1] ?? '').replace(/[\s()]/g, ''));
}

/**
 * Unpacks the members of a wheel whose names start with one of the prefixes.
 *
 * @throws AdctlError `libraries_unusable` when the archive cannot be read
 */
export async function unpackWheel(wheel: string, into: string, prefixes: readonly string[], python: string) {
  const script = [
    'import sys, zipfile',
    'archive = zipfile.ZipFile(sys.argv[1])',
    'prefixes = tuple(sys.argv[3:])',
    'archive.extractall(sys.argv[2], [n for n in archive.namelist() if n.startswith(prefixes)])',
  ].join('\n');
  const result = await runPython(python, ['-c', script, wheel, into, ...prefixes]);
  if (result.code !== 0) throw librariesUnusable(`Cannot unpack ${wheel}:\n${result.output}`, { wheel });
}

/**
 * Has pip fetch one wheel, without dependencies and without building anything, from whatever index it is configured
 * for. The file appears in the downloads folder only when it is complete.
 */
async function pipDownload(requirement: string, platformTag: string, tools: WheelTools): Promise<string> {
  await mkdir(tools.downloads, { recursive: true });
  const partial = await mkdtemp(join(tools.downloads, '.partial-'));
  try {
    const result = await runPython(tools.python, pipArguments(requirement, platformTag, partial));
    if (/No module named '?pip/.test(result.output)) throw pipMissing(tools.python);
    const file = (await readdir(partial)).find((name) => name.endsWith('.whl'));
    if (result.code !== 0 || file === undefined) throw downloadFailed(requirement, result.output);
    const path = join(tools.downloads, file);
    await rename(join(partial, file), path);
    return path;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** pip's command line; the Python version and platform are spelled out so that every machine gets the same file. */
export function pipArguments(requirement: string, platformTag: string, into: string): string[] {
  return [
    ...['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--progress-bar=off', '--no-input'],
    ...['--disable-pip-version-check', '--python-version', WHEEL_PYTHON_VERSION],
    ...platformTags(platformTag).flatMap((tag) => ['--platform', tag]),
    ...['--dest', into, requirement],
  ];
}

/** NVIDIA's wheels carry older tags; pip takes only tags that are listed. */
function platformTags(tag: string): string[] {
  const machine = tag.replace(/^manylinux_\d+_\d+_/, '');
  return [tag, ...['manylinux_2_17', 'manylinux2014', 'manylinux1'].map((older) => `${older}_${machine}`)];
}

async function runPython(python: string, args: readonly string[]) {
  const result = await runProgram(python, args);
  if (result === undefined) throw pipMissing(python);
  return result;
}

function pipMissing(python: string) {
  const hint =
    'Install Python 3 with pip (Debian, Ubuntu: apt-get install python3 python3-pip), or name yours in ADCTL_PYTHON. ' +
    'It only fetches and unpacks TensorFlow; nothing of it runs later.';
  return toolMissing('pip_missing', `"${python} -m pip" is missing.`, hint);
}
