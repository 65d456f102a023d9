import type { z } from 'zod';
import type { PoolVariable, PoolVolume } from './pool.js';

type Refusal = z.core.$RefinementCtx;
type Path = (string | number)[];

interface CheckedPool {
  readonly name: string;
  readonly class?: string | undefined;
  readonly image: string;
  readonly flavour: 'gpu' | 'cpu';
  readonly min: number;
  readonly max: number;
  readonly resources: { readonly requests: Record<string, string>; readonly limits: Record<string, string> };
  readonly resourceClaims: readonly unknown[];
  readonly volumes: readonly PoolVolume[];
  readonly env: readonly PoolVariable[];
}

/** Volume sources that the restricted Pod Security profile allows. */
export const VOLUME_SOURCES = [
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected'],
  'secret',
] as const;

/** Variables that follow from other keys of the pool, and which. */
export const OWN_VARIABLES: Readonly<Record<string, string>> = {
  ADCTL_WORKER_ID: 'the name of the pod',
  ADCTL_CLASS: 'class',
  ADCTL_ENGINE_FLAVOUR: 'flavour',
  ADCTL_SLOTS: 'slotsPerWorker',
  ADCTL_THREADS: 'threads',
  ADCTL_IDLE_MS: 'idleSeconds and min',
  ADCTL_DRAIN_GRACE_MS: 'graceSeconds',
  ADCTL_STOP_GRACE_MS: 'graceSeconds',
  ADCTL_HEALTH_PORT: 'nothing: it is fixed',
};
/** Mounts that every worker has. */
export const OWN_MOUNTS: readonly string[] = ['/dev/shm', '/tmp', '/data'];
const OWN_VOLUMES: readonly string[] = ['shm', 'tmp', 'data'];

const NATIVE_RESOURCE = /^(cpu|memory|ephemeral-storage|hugepages-.+)$/;
const LOOKS_SECRET = /(SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE_KEY|CREDENTIALS|NKEY_SEED)/;
const NAMES_A_FILE = /(_FILE|_PATH|_DIR|_URL)$/;

/** What a pool's keys must satisfy together; every mistake is reported. */
export function checkPool(pool: CheckedPool, ctx: Refusal): void {
  const refuse = (path: Path, message: string) => ctx.addIssue({ code: 'custom', path, message });
  if (pool.min > pool.max) refuse(['min'], `is ${pool.min}, above max, which is ${pool.max}`);
  checkImage(pool.image, refuse);
  checkResources(pool, refuse);
  checkVariables(pool.env, ['env'], refuse);
  checkVolumes(pool.volumes, ['volumes'], refuse);
}

/** What pools must satisfy beside each other. */
export function checkPools(
  file: {
    readonly env: readonly PoolVariable[];
    readonly volumes: readonly PoolVolume[];
    readonly pools: readonly CheckedPool[];
  },
  ctx: Refusal,
): void {
  const refuse = (path: Path, message: string) => ctx.addIssue({ code: 'custom', path, message });
  checkVariables(file.env, ['env'], refuse);
  checkVolumes(file.volumes, ['volumes'], refuse);
  const names = new Set<string>();
  file.pools.forEach(({ name, volumes }, index) => {
    if (names.has(name)) refuse(['pools', index, 'name'], `'${name}' is the name of another pool`);
    names.add(name);
    checkVolumes([...file.volumes, ...volumes], ['pools', index, 'volumes'], (path, message) => {
      // Mistakes within one list are reported above.
      if (message.includes('twice')) refuse(path.slice(0, 3), message);
    });
  });
}

function checkImage(image: string, refuse: (path: Path, message: string) => void): void {
  const lastPart = image.slice(image.lastIndexOf('/') + 1);
  if (image.includes('@sha256:')) return;
  if (!lastPart.includes(':')) refuse(['image'], 'has neither a tag nor a digest: nobody could tell what ran');
  else if (lastPart.endsWith(':latest')) refuse(['image'], "must not be 'latest': nobody could tell what ran");
}

function checkResources(pool: CheckedPool, refuse: (path: Path, message: string) => void): void {
  const { requests, limits } = pool.resources;
  for (const key of ['cpu', 'memory']) {
    // A GPU that is there does not help when the quota of CPU or memory counts nothing.
    if (requests[key] === undefined && limits[key] === undefined) {
      refuse(['resources', 'requests', key], 'must be given: schedulers and quotas count it');
    }
  }
  const extended = [...new Set([...Object.keys(requests), ...Object.keys(limits)])].filter(
    (key) => !NATIVE_RESOURCE.test(key),
  );
  for (const key of extended) {
    const limit = limits[key];
    if (limit === undefined) refuse(['resources', 'limits', key], 'must be given where it is requested');
    else if (!/^\d+$/.test(limit)) refuse(['resources', 'limits', key], `must be a whole number, not ${limit}`);
    else if (requests[key] !== undefined && requests[key] !== limit) {
      refuse(['resources', 'requests', key], `must equal its limit, ${limit}`);
    }
  }
  const asksForDevices = extended.some((key) => /^[1-9]/.test(limits[key] ?? '')) || pool.resourceClaims.length > 0;
  if (pool.flavour === 'gpu' && !asksForDevices) {
    refuse(
      ['resources', 'limits'],
      'ask for no GPU, but flavour is gpu: add e.g. nvidia.com/gpu: "1", or flavour: cpu',
    );
  }
  if (pool.flavour === 'cpu' && extended.some((key) => key.startsWith('nvidia.com/'))) {
    refuse(['flavour'], 'is cpu, but resources ask for a GPU that would stay unused');
  }
}

function checkVariables(
  variables: readonly PoolVariable[],
  at: Path,
  refuse: (path: Path, message: string) => void,
): void {
  const names = new Set<string>();
  variables.forEach(({ name, value, valueFrom }, index) => {
    const path = [...at, index];
    const references = Object.values(valueFrom ?? {}).filter((reference) => reference !== undefined).length;
    const own = OWN_VARIABLES[name];
    if (own !== undefined) refuse([...path, 'name'], `${name} is set by the controller; it follows from ${own}`);
    if (names.has(name)) refuse([...path, 'name'], `${name} stands there twice`);
    if ((value === undefined) === (references === 0) || references > 1) {
      refuse(path, `${name} needs either a value or one reference in valueFrom`);
    } else if (value !== undefined && LOOKS_SECRET.test(name) && !NAMES_A_FILE.test(name)) {
      refuse([...path, 'value'], `${name} looks like a secret: keep it in a Secret and use valueFrom.secretKeyRef`);
    }
    names.add(name);
  });
}

function checkVolumes(volumes: readonly PoolVolume[], at: Path, refuse: (path: Path, message: string) => void): void {
  const seen = new Set<string>(OWN_VOLUMES);
  const mounts = new Set<string>(OWN_MOUNTS);
  const allowed: readonly string[] = VOLUME_SOURCES;
  volumes.forEach(({ name, mountPath, source }, index) => {
    const path = [...at, index];
    if (seen.has(name)) refuse([...path, 'name'], `the volume ${name} is there twice`);
    if (mounts.has(mountPath)) refuse([...path, 'mountPath'], `${mountPath} is mounted twice`);
    seen.add(name);
    mounts.add(mountPath);
    const [kind, ...more] = Object.keys(source);
    if (kind === undefined || more.length > 0) refuse([...path, 'source'], `must have one of: ${allowed.join(', ')}`);
    else if (!allowed.includes(kind)) {
      refuse(
        [...path, 'source'],
        `${kind} is refused by the restricted Pod Security profile; use one of: ${allowed.join(', ')}`,
      );
    }
  });
}
