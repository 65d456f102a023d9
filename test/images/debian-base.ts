import { appendFile, copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Buildah, show } from './buildah.ts';
import { ROOT } from './dockerfile.ts';

/**
 * A base image made from Debian's and npm's packages alone, for machines that reach no container registry: Debian 12
 * (minbase) with the Node that the lock file pins and the npm that package.json names. Takes debootstrap and root.
 *
 * @param certificates a PEM file with all certificates to trust inside, where reaching npm and PyPI takes the network's own
 * @returns its name; an image that is there already is used again
 */
export async function makeDebianBase(buildah: Buildah, certificates?: string): Promise<string> {
  const { optionalDependencies, packageManager } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const nodePackage = `node-linux-${process.arch}`;
  const version: string = optionalDependencies[nodePackage];
  const image = `localhost/adctl-debian-base:bookworm-${version}`;
  if (await buildah.has(image)) return image;
  await buildah.withRoot('scratch', async (root, container) => {
    await show('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', root]);
    const install = ['install', '--global', '--prefix', join(root, 'usr/local'), '--ignore-scripts', '--no-audit'];
    await show('npm', [...install, packageManager, `${nodePackage}@${version}`]);
    // The program itself, not a link to it: npm's prefix, and with it its global settings, follow from where Node lies.
    const installed = join(root, 'usr/local/lib/node_modules', nodePackage);
    await rename(join(installed, 'bin/node'), join(root, 'usr/local/bin/node'));
    await rm(installed, { recursive: true });
    if (certificates !== undefined) await trust(root, certificates);
    await buildah.ask(
      ...['config', '--env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', container],
    );
    await buildah.ask('commit', '--quiet', container, image);
  });
  return image;
}

/** Where apt, pip and npm look; Node's own list of certificates is built in, so npm must be told. */
async function trust(root: string, certificates: string): Promise<void> {
  const inside = '/etc/ssl/certs/ca-certificates.crt';
  await copyFile(certificates, join(root, inside));
  await mkdir(join(root, 'usr/local/etc'), { recursive: true });
  await appendFile(join(root, 'usr/local/etc/npmrc'), `cafile=${inside}\n`);
  await writeFile(join(root, 'etc/pip.conf'), `[global]\ncert = ${inside}\n`);
}
