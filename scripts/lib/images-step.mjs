import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ask, ROOT } from './run.mjs';

/** Long enough for a registry far away, short enough for a machine without one. */
const REGISTRY_SECONDS = 20;

/**
 * What it takes to build the images here, as a pure function.
 *
 * @param {{ buildah: boolean, root: boolean, registry: boolean, debootstrap: boolean, certificates?: string }} machine
 *   `registry`: the Dockerfiles' base can be had; `certificates`: a PEM file that this network's certificates are in
 * @returns {{ args: string[] } | { missing: string }} options of `npm run images`, or why it cannot be
 */
export function planImages({ buildah, root, registry, debootstrap, certificates }) {
  if (!buildah) return { missing: 'buildah is not installed' };
  if (!root) return { missing: 'it takes root: buildah builds in a chroot' };
  if (registry) return { args: [] };
  if (!debootstrap) return { missing: 'no registry has the base image, and debootstrap is not there to make one' };
  return { args: ['--base', 'debian', ...(certificates === undefined ? [] : ['--certificates', certificates])] };
}

/** Looks at this machine. @returns {Promise<ReturnType<typeof planImages>>} */
export async function findImagesPlan() {
  const has = async (program) => (await ask(program, ['--version'])).code === 0;
  const buildah = await has('buildah');
  return planImages({
    buildah,
    root: process.getuid?.() === 0,
    registry: buildah && (await hasBase()),
    debootstrap: await has('debootstrap'),
    certificates: process.env.NODE_EXTRA_CA_CERTS,
  });
}

/** Whether a registry answers for the image that the Dockerfiles start from; nothing of it is fetched. */
async function hasBase() {
  const dockerfile = await readFile(join(ROOT, 'docker/adctl.Dockerfile'), 'utf8');
  const [, base = ''] = /^ARG BASE_IMAGE=(\S+)$/m.exec(dockerfile) ?? [];
  const { code } = await ask('timeout', [String(REGISTRY_SECONDS), 'buildah', 'manifest', 'inspect', base]);
  return code === 0;
}
