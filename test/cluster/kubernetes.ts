import { writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONTROLLER_RIGHTS, type PoolInput, PoolsFile } from '@adctl/controller/kubernetes';
import { resolveCacheDir } from '@adctl/datasets';
import { parseEngineEnvironment } from '@adctl/engine';
import {
  type ClusterOptions,
  createWorkload,
  kubeconfigFor,
  type Pod,
  type ProcessCluster,
  startFakeCluster,
} from '@adctl/testkit/kubernetes';
import type { Cluster, ClusterOptions as PartsOptions } from './cluster.ts';
import { POD_POOL, startCluster } from './cluster.ts';

const WORKER = fileURLToPath(new URL('../../packages/worker/dist/main.js', import.meta.url));
const TOKEN = 'controller-token';

/** A cluster whose workers are made by the controller's pools, as pods of a Kubernetes whose pods are processes here. */
export interface KubernetesCluster extends Cluster {
  readonly kubernetes: ProcessCluster;
  /** Variables that make a controller process lead the pools. */
  readonly controllerEnv: Readonly<Record<string, string>>;
  /** Resolves once the condition holds; looked at whenever anything in Kubernetes changes. */
  until(condition: () => boolean): Promise<void>;
}

export interface KubernetesOptions extends PartsOptions {
  readonly pool: Partial<PoolInput>;
  /** Variables of the workers beside those of the pool. */
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** Variables of controller and workers that must stay secret: workers get them from a Secret. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly nodes?: ClusterOptions['nodes'];
  /** Where pods keep images; default: this machine's cache, with whatever is in it. */
  readonly podCache?: string;
  /** How long a second of a make-believe Kubernetes lasts. Default 1,000 ms. */
  readonly secondMs?: number;
  /** Default: a make-believe one. */
  readonly startKubernetes?: (options: ClusterOptions) => Promise<ProcessCluster>;
}

const NODE = { cpu: '8', memory: '64Gi', 'nvidia.com/gpu': '2' };

export async function startKubernetesCluster(options: KubernetesOptions): Promise<KubernetesCluster> {
  const { secrets = {}, startKubernetes = startFakeCluster } = options;
  const cluster = await startCluster(options);
  const kubernetes = await startKubernetes({
    nodes: options.nodes ?? { 'node-1': NODE, 'node-2': NODE },
    ...(options.secondMs === undefined ? {} : { secondMs: options.secondMs }),
    tokens: { [TOKEN]: CONTROLLER_RIGHTS },
    environment: (pod) => ownSurroundings(pod, cluster.folder, options.podCache),
  });
  // The server's address reaches the workers through a Secret, as credentials do in a real cluster.
  const held = { ADCTL_NATS_URL: `nats://${cluster.nats.url}`, ...secrets };
  await kubernetes.create('secrets', {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'workers', namespace: 'default' } },
    data: Object.fromEntries(
      Object.entries(held).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
    ),
  });
  const owner = await createWorkload(kubernetes, 'adctl');
  const pools = join(cluster.folder, 'pools.yaml');
  await writeFile(pools, JSON.stringify(poolsFile(cluster, options, Object.keys(held))));
  const kubeconfig = join(cluster.folder, 'kubeconfig');
  await writeFile(kubeconfig, JSON.stringify(kubeconfigFor(kubernetes.url, TOKEN)), { mode: 0o600 });
  return {
    ...cluster,
    kubernetes,
    controllerEnv: { ...secrets, ADCTL_POOLS_FILE: pools, ADCTL_KUBECONFIG: kubeconfig, ADCTL_POD_NAME: owner.pod },
    until: (condition) => until(kubernetes, condition),
    async close() {
      await kubernetes.stop();
      await cluster.close();
    },
  };
}

function poolsFile(
  cluster: Cluster,
  { ackWaitMs, env = {}, pool, workerEnv = {} }: KubernetesOptions,
  secrets: readonly string[],
): unknown {
  const values = {
    ADCTL_NATS_NKEY_SEED_FILE: join(cluster.folder, `${POD_POOL}.nk`),
    ADCTL_NATS_IDENTITY: POD_POOL,
    ADCTL_ACK_WAIT_MS: String(ackWaitMs),
    ADCTL_HEARTBEAT_MS: '200',
    ADCTL_OBJECTS: 'filesystem',
    ADCTL_OBJECTS_DIR: cluster.objects,
    ADCTL_DATA_ROOTS: tmpdir(),
    ...env,
    ...workerEnv,
  };
  const file = {
    env: [
      ...secrets.map((name) => ({ name, valueFrom: { secretKeyRef: { name: 'workers', key: name } } })),
      ...Object.entries(values).map(([name, value]) => ({ name, value })),
    ],
    pools: [
      {
        ...{ name: POD_POOL, flavour: 'cpu', image: 'registry.example/adctl-worker:0.1.0', max: 2, graceSeconds: 20 },
        command: [process.execPath, WORKER],
        resources: { requests: { cpu: '1', memory: '1Gi' } },
        ...pool,
      },
    ],
  };
  PoolsFile.parse(file); // a mistake shows here, not in the controller's log
  return file;
}

/** What a container has of its own: its file system below the test's folder, the machine's cache, a free port. */
function ownSurroundings({ metadata }: Pod, folder: string, podCache: string | undefined): Record<string, string> {
  const cache = resolveCacheDir(process.env, homedir());
  return {
    HOME: homedir(),
    ADCTL_CACHE_DIR: podCache ?? cache,
    ADCTL_ENGINE_CACHE_DIR: parseEngineEnvironment(process.env).cacheDir,
    ADCTL_SCRATCH_DIR: join(folder, 'pods', metadata.name),
    ADCTL_HEALTH_PORT: '0',
  };
}

const LONGEST_WAIT_MS = 120_000;

function until({ listen, pods, log }: ProcessCluster, condition: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      unlisten();
      clearTimeout(limit);
      settle();
    };
    const look = () => {
      if (condition()) end(resolve);
    };
    const unlisten = listen(look);
    const limit = setTimeout(() => {
      const lines = pods().map(
        (pod) => `${pod.metadata.name} ${JSON.stringify(pod.status)}\n${log(pod.metadata.name)}`,
      );
      end(() => reject(new Error(`${condition} does not hold:\n${lines.join('\n')}`)));
    }, LONGEST_WAIT_MS);
    look();
  });
}
