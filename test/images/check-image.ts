import { ask, type Buildah, type Outcome } from './buildah.ts';
import { foreignFiles } from './contents.ts';

/** One thing that was looked at; `problem` is null where it is as it should be. */
export interface Check {
  readonly title: string;
  readonly problem: string | null;
}

/** Exit code of programs whose settings must be mended; an API of controller and worker. */
const BAD_CONFIGURATION = 78;

/** A started image: what a container on Kubernetes would see. */
interface Inside {
  readonly root: string;
  /** Runs a command as the image's user. */
  run(...command: string[]): Promise<Outcome>;
  /** Runs the image's entry with arguments. */
  enter(...args: string[]): Promise<Outcome>;
}

/** The command line starts, and the controller asks for its settings. */
export function checkAdctl(buildah: Buildah, image: string): Promise<Check[]> {
  return withImage(buildah, image, async (inside) => [
    ...(await checkCommon(inside)),
    await check('adctl --version runs', async () => expectText(await inside.enter('--version'), 0, /^adctl\/\d/)),
    await check('adctl methods list runs', async () => expectText(await inside.enter('methods', 'list'), 0, /ocgan/)),
    await check('the controller without settings says which', async () =>
      expectText(await inside.enter('controller'), BAD_CONFIGURATION, /ADCTL_/),
    ),
  ]);
}

/** The worker asks for its settings, and its engine computes. */
export function checkWorker(buildah: Buildah, image: string): Promise<Check[]> {
  return withImage(buildah, image, async (inside) => [
    ...(await checkCommon(inside)),
    await check('the worker without settings says which', async () =>
      expectText(await inside.enter(), BAD_CONFIGURATION, /ADCTL_/),
    ),
    await check('the engine loads and takes a training step', async () =>
      expectText(await inside.run('node', '--input-type=module', '--eval', ENGINE), 0, /"training step":true/),
    ),
    await check('sharp encodes and decodes an image', async () =>
      expectText(await inside.run('node', '--input-type=module', '--eval', SHARP), 0, /^2x3\n$/),
    ),
  ]);
}

/** The engine's own self-test: a product, gradients, a training step. Ends with 1 where one is wrong. */
const ENGINE = `
import { loadEngine, parseEngineEnvironment, runSelfTest } from '/app/packages/engine/dist/index.js';
const { cacheDir } = parseEngineEnvironment(process.env);
const flavour = process.env.ADCTL_ENGINE_FLAVOUR;
const { tf, info } = await loadEngine({ flavour, cacheDir, allowMissingGpu: true });
const checks = runSelfTest(tf);
console.log(JSON.stringify({ info, ...Object.fromEntries(checks.map(({ name, passed }) => [name, passed])) }));
process.exit(checks.every(({ passed }) => passed) ? 0 : 1);
`;
const SHARP = `
import { createRequire } from 'node:module';
const sharp = createRequire('/app/packages/worker/dist/main.js')('sharp');
const blank = { create: { width: 2, height: 3, channels: 3, background: 'red' } };
const { width, height } = await sharp(await sharp(blank).png().toBuffer()).metadata();
console.log(width + 'x' + height);
`;
const CODE_VERSION = `
import { codeVersion } from '/app/packages/engine/dist/code-version.js';
console.log(codeVersion('ocgan'));
`;

/**
 * Digest of the code that trains, as an image's programs compute it: a worker refuses trials that were planned with another.
 * @throws Error when there is no such code.
 */
export async function codeVersionIn(buildah: Buildah, image: string): Promise<string> {
  const run = ['node', '--input-type=module', '--eval', CODE_VERSION];
  const outcome = await withImage(buildah, image, (inside) => inside.run(...run));
  expectText(outcome, 0, /^[0-9a-f]{64}\n$/);
  return outcome.stdout.trim();
}

async function checkCommon(inside: Inside): Promise<Check[]> {
  return [
    await check('runs as a user who is not root', async () => expectText(await inside.run('id', '-u'), 0, /^10001\n$/)),
    await check('its root is read-only', async () =>
      expectText(await inside.run('touch', '/app/x'), 1, /Read-only file system/),
    ),
    await check('holds no compilers, sources, tests or packages of development', async () => {
      const found = await foreignFiles(inside.root);
      if (found.length > 0) throw new Error(`${found.length}, such as ${found.slice(0, 5).join(', ')}`);
    }),
  ];
}

export async function check(title: string, look: () => Promise<void>): Promise<Check> {
  try {
    await look();
    return { title, problem: null };
  } catch (error) {
    return { title, problem: error instanceof Error ? error.message : String(error) };
  }
}

function expectText({ code, stdout, stderr }: Outcome, expectedCode: number, text: RegExp): void {
  if (code !== expectedCode) throw new Error(`exit code ${code} instead of ${expectedCode}: ${stderr || stdout}`);
  if (!text.test(stdout) && !text.test(stderr)) throw new Error(`not ${text}: ${stdout}${stderr}`);
}

/**
 * What the kubelet does with a container of ours, in namespaces of its own: no network, the root mounted read-only with `/tmp` in
 * memory, the image's variables and no others, its user by numbers.
 */
const START = `
root=$1 user=$2 folder=$3; shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
exec chroot --userspec="$user" --groups="\${user#*:}" "$root" env --chdir="$folder" "$@"
`;

function withImage<T>(buildah: Buildah, image: string, use: (inside: Inside) => Promise<T>): Promise<T> {
  return buildah.withRoot(image, async (root) => {
    const config = await buildah.configOf(image);
    const env = Object.fromEntries(config.Env.map((line) => line.split(/=(.*)/s, 2)));
    const run = (...command: string[]) => {
      const start = ['sh', '-euc', START, 'sh', root, config.User, config.WorkingDir, ...command];
      return ask('unshare', ['--mount', '--pid', '--fork', '--net', ...start], env);
    };
    return use({ root, run, enter: (...args) => run(...config.Entrypoint, ...args) });
  });
}
