/**
 * Builds both images with buildah and checks them: users, contents, what their programs say without settings, the engine.
 *
 *   npm run images -- [--base debian|IMAGE] [--certificates FILE] [--flavour cpu|gpu] [--only adctl|worker]
 *                     [--storage FOLDER] [-- further options of buildah build]
 *
 * Takes root: buildah builds in a chroot, and the checks start programs on a root that is mounted read-only.
 * `--base debian` makes a base from Debian's and npm's packages, where no container registry can be reached (takes debootstrap;
 * `--certificates` are then trusted inside); otherwise it is the Dockerfiles' own, or the one named. Proxies pass by their usual
 * variables. Images stay in the storage folder (default: `images` in the cache); `buildah --root FOLDER/images push` takes them on.
 * Exit code 0 when every image is as it should be.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { programCache } from '../../packages/testkit/src/cached-programs.ts';
import { Buildah } from './buildah.ts';
import { type Check, check, checkAdctl, checkWorker, codeVersionIn } from './check-image.ts';
import { makeDebianBase } from './debian-base.ts';
import { ROOT } from './dockerfile.ts';

const say = (text: string) => process.stderr.write(`${text}\n`);
const secondsSince = (startMs: number) => ((performance.now() - startMs) / 1000).toFixed(0);

const end = process.argv.indexOf('--');
const { values: flags } = parseArgs({
  args: process.argv.slice(2, end === -1 ? undefined : end),
  options: {
    base: { type: 'string' },
    certificates: { type: 'string' },
    flavour: { type: 'string', default: 'cpu' },
    only: { type: 'string' },
    storage: { type: 'string', default: programCache('images') },
  },
});
const further = end === -1 ? [] : process.argv.slice(end + 1);
const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
const images = [
  { name: 'adctl', image: `localhost/adctl:${version}`, args: [], checks: checkAdctl },
  {
    name: 'worker',
    image: `localhost/adctl-worker:${version}-${flags.flavour}`,
    args: ['--build-arg', `FLAVOUR=${flags.flavour}`],
    checks: checkWorker,
  },
].filter(({ name }) => flags.only === undefined || flags.only === name);
if (images.length === 0) throw new Error(`--only is adctl or worker, not ${flags.only}`);
if (process.getuid?.() !== 0) throw new Error('run it as root: it builds in a chroot and mounts file systems');

const storage = resolve(flags.storage);
await mkdir(storage, { recursive: true });
const buildah = new Buildah(storage);
const base = flags.base === 'debian' ? await makeDebianBase(buildah, flags.certificates) : flags.base;

let problems = 0;
function report(checks: readonly Check[]): void {
  for (const { title, problem } of checks) {
    say(problem === null ? `  ✓ ${title}` : `  ✗ ${title}: ${problem}`);
    if (problem !== null) problems += 1;
  }
}

for (const { name, image, args, checks } of images) {
  const startMs = performance.now();
  await buildah.build([
    ...['--file', join(ROOT, `docker/${name}.Dockerfile`), '--tag', image, ...args],
    ...(base === undefined ? [] : ['--build-arg', `BASE_IMAGE=${base}`]),
    ...further,
    ROOT,
  ]);
  say(
    `\n${image}: built in ${secondsSince(startMs)} s, ${await buildah.ask('images', '--format', '{{.Size}}', image)}`,
  );
  report(await checks(buildah, image));
}
say(`\n${images.map(({ image }) => image).join(', ')}:`);
const agree = async () => {
  const versions = new Set<string>();
  for (const { image } of images) versions.add(await codeVersionIn(buildah, image));
  if (versions.size > 1) throw new Error(`digests ${[...versions].join(', ')}`);
};
report([await check('plan and train with the same code', agree)]);
say(problems === 0 ? '\nEvery check passed.' : `\nFailed checks: ${problems}`);
process.exitCode = problems === 0 ? 0 : 1;
