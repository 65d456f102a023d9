import type { TokenRight } from './api-server.js';
import { type ClusterOptions, markUnknown, type ProcessCluster } from './cluster.js';
import { startControlPlane } from './control-plane.js';
import { Kubelet } from './kubelet.js';
import { MERGE_PATCH, Mirror } from './mirror.js';
import { asNode, asPod, type Fields, type Pod } from './objects.js';
import { schedulePods } from './scheduler.js';

/** The least time between two looks of scheduler and kubelets. */
const PAUSE_MS = 10;
/** Evictions are asked for under their final name from this minor version on. */
const EVICTION_V1 = 22;
/** Labels of a Job's pods with its name: every version has the first, 1.27 and newer have both. */
const JOB_NAME_LABELS = ['job-name', 'batch.kubernetes.io/job-name'] as const;

/**
 * A cluster with a real control plane: etcd, kube-apiserver, and the controllers of Jobs and of owners. Only what needs
 * machines is a stand-in: the scheduler and the kubelets, which run each pod's command as a process. Where the control plane
 * is older than 1.27, pods are labelled with their Job's name as newer ones do.
 *
 * @param env names the programs' folder in `KUBEBUILDER_ASSETS`, see `whyNoJobs`
 */
export async function startRealCluster(env: NodeJS.ProcessEnv, options: ClusterOptions): Promise<ProcessCluster> {
  const { pullable = (image: string) => !image.includes('missing'), environment = () => ({}), tokens = {} } = options;
  const names = Object.fromEntries(Object.keys(tokens).map((token, index) => [token, `user-${index}`]));
  const plane = await startControlPlane({ assets: env.KUBEBUILDER_ASSETS ?? '', tokens: names });
  const mirror = new Mirror(plane.adminUrl);
  const kubelets = new Map<string, Kubelet>();
  let timer: NodeJS.Timeout | undefined;
  const stop = async () => {
    clearTimeout(timer);
    mirror.close();
    for (const kubelet of kubelets.values()) kubelet.killAll();
    await Promise.all([...kubelets.values()].map((kubelet) => kubelet.settled()));
    await plane.stop();
  };
  try {
    await mirror.follow();
    for (const [token, rights] of Object.entries(tokens)) await grant(mirror, names[token] ?? '', rights);
    for (const [name, allocatable] of Object.entries(options.nodes)) {
      await createNode(mirror, name, allocatable);
      kubelets.set(name, new Kubelet({ store: mirror, node: name, secondMs: 1_000, pullable, environment }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const labelled = new Set<string>();
  mirror.listen(() => {
    timer ??= setTimeout(() => {
      timer = undefined;
      for (const pod of mirror.list('pods').map(asPod)) {
        if (labelled.has(pod.metadata.uid)) continue;
        labelled.add(pod.metadata.uid);
        void labelWithJob(mirror, pod);
      }
      schedulePods(mirror);
      for (const kubelet of kubelets.values()) kubelet.sync();
    }, PAUSE_MS);
  });
  return {
    url: plane.url,
    list: (plural, namespace) => mirror.list(plural, namespace),
    pods: (namespace) => mirror.list('pods', namespace).map(asPod),
    pids: () => new Map([...kubelets.values()].flatMap((kubelet) => [...kubelet.pids()])),
    log: (pod) => [...kubelets.values()].map((kubelet) => kubelet.log(pod)).join(''),
    create: (plural, object) => mirror.create(plural, object as Fields & { metadata: Fields }),
    delete: (plural, namespace, name) => mirror.delete(plural, namespace, name),
    async evict({ metadata: { namespace = 'default', name } }) {
      const apiVersion = plane.minor >= EVICTION_V1 ? 'policy/v1' : 'policy/v1beta1';
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
      await mirror.send('POST', path, { apiVersion, kind: 'Eviction', metadata: { name, namespace } });
    },
    killForMemory({ metadata }) {
      for (const kubelet of kubelets.values()) kubelet.killForMemory(metadata.name);
    },
    failNode(name, processes) {
      kubelets.get(name)?.fail(processes);
      // Without the controller of nodes, which would do so some time later.
      markUnknown(mirror, asNode(mirror.get('nodes', undefined, name)));
    },
    async patch(plural, namespace, name, patch) {
      await mirror.patch(plural, namespace, name, patch);
    },
    listen: (listener) => mirror.listen(listener),
    stop,
  };
}

/** Gives a user the rights in the namespace `default`, as the chart's Role does. */
async function grant(mirror: Mirror, user: string, rights: readonly TokenRight[] | 'everything'): Promise<void> {
  const rules =
    rights === 'everything'
      ? [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]
      : rights.map(({ apiGroup, resource, verbs }) => ({ apiGroups: [apiGroup], resources: [resource], verbs }));
  const api = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  const about = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: user, namespace: 'default' } };
  await mirror.send('POST', `${api}/roles`, { ...about, kind: 'Role', rules });
  await mirror.send('POST', `${api}/rolebindings`, {
    ...about,
    kind: 'RoleBinding',
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: user },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  });
}

async function labelWithJob(mirror: Mirror, { metadata: { namespace, name, labels = {} } }: Pod): Promise<void> {
  const [old, current] = JOB_NAME_LABELS;
  if (labels[old] === undefined || labels[current] !== undefined) return;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  await mirror.send('PATCH', path, { metadata: { labels: { [current]: labels[old] } } }, MERGE_PATCH);
}

async function createNode(mirror: Mirror, name: string, allocatable: Readonly<Record<string, string>>): Promise<void> {
  const metadata = { name, labels: { 'kubernetes.io/hostname': name } };
  await mirror.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata, spec: {} });
  const conditions = [{ type: 'Ready', status: 'True' }];
  const status = { capacity: allocatable, allocatable, conditions };
  await mirror.send('PATCH', `/api/v1/nodes/${name}/status`, { status }, MERGE_PATCH);
}
