import { type ApiServer, type ApiServerOptions, startApiServer } from './api-server.js';
import { evictPod, markDisrupted } from './evictions.js';
import { JobController } from './job-controller.js';
import { Kubelet } from './kubelet.js';
import {
  asNode,
  asPod,
  type Fields,
  type KubeObject,
  mergePatch,
  type Node,
  type Pod,
  setCondition,
} from './objects.js';
import { schedulePods } from './scheduler.js';
import type { ClusterState, NewObject } from './store.js';

export interface ClusterOptions extends ApiServerOptions {
  /** Allocatable resources of each node by name, e.g. `{ 'gpu-1': { cpu: '8', memory: '64Gi', 'nvidia.com/gpu': '2' } }`. */
  readonly nodes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How long a second of Kubernetes lasts: back-offs, grace periods, deadlines. Default 1,000 ms. */
  readonly secondMs?: number;
  /** Whether an image can be had. Default: all but those with `missing` in their name. */
  readonly pullable?: (image: string) => boolean;
  /** See `KubeletOptions.environment`. */
  readonly environment?: (pod: Pod) => Readonly<Record<string, string>>;
}

/** A cluster whose pods are real processes on this machine. */
export interface ProcessCluster {
  /** Address of the API server. */
  readonly url: string;
  /** Objects of the namespace, or of all. */
  list(plural: string, namespace?: string): KubeObject[];
  /** Pods of the namespace, or of all. */
  pods(namespace?: string): Pod[];
  /** Processes of living pods, by pod. */
  pids(): ReadonlyMap<string, number>;
  log(pod: string): string;
  /** As `kubectl drain` does: SIGTERM, grace, and no failure is counted. */
  evict(pod: Pod): Promise<void>;
  /** The kernel kills the pod's process for its memory. */
  killForMemory(pod: Pod): void;
  /** The node stops answering; its processes die, or go on without anyone hearing of them. */
  failNode(name: string, processes: 'die' | 'go-on'): void;
  create(plural: string, object: NewObject): Promise<KubeObject>;
  /** Changes an object of the namespace by a merge patch. */
  patch(plural: string, namespace: string, name: string, patch: Fields): Promise<void>;
  /** Asks for an object's deletion; what it owns follows. */
  delete(plural: string, namespace: string | undefined, name: string): Promise<void>;
  /** @param listener hears that anything has changed. @returns the function that stops it. */
  listen(listener: () => void): () => void;
  /** Kills every process and stops the server. */
  stop(): Promise<void>;
}

/** A make-believe cluster, in which things can be made to fail. */
export interface FakeCluster extends ProcessCluster {
  readonly api: ApiServer;
  addNode(name: string, allocatable: Readonly<Record<string, string>>): void;
  /** The cloud takes a failed node away; its pods go with it. */
  removeNode(name: string): void;
}

/** A failed node is marked not ready after so long, and its pods are marked for deletion after their toleration. */
const NODE_GRACE_SECONDS = 40;
/** The least time between two looks of the controllers. */
const PAUSE_MS = 10;

export async function startFakeCluster(options: ClusterOptions): Promise<FakeCluster> {
  const { secondMs = 1_000, pullable = (image: string) => !image.includes('missing') } = options;
  const api = await startApiServer(options);
  const { store } = api;
  const jobs = new JobController(store, secondMs);
  const kubelets = new Map<string, Kubelet>();
  const failedAtMs = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const addNode: FakeCluster['addNode'] = (name, allocatable) => {
    store.create('nodes', {
      ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/hostname': name } }, spec: {} },
      status: { allocatable: { ...allocatable }, conditions: [{ type: 'Ready', status: 'True' }] },
    });
    const environment = options.environment ?? (() => ({}));
    kubelets.set(name, new Kubelet({ store, node: name, secondMs, pullable, environment }));
  };
  const look = () => {
    timer = undefined;
    if (stopped) return;
    const due = [loseNodes(store, failedAtMs, secondMs), jobs.reconcile()].filter((at) => at !== null);
    schedulePods(store);
    for (const kubelet of kubelets.values()) kubelet.sync();
    const next = Math.min(...due);
    if (Number.isFinite(next)) lookIn(Math.max(PAUSE_MS, next - Date.now()));
  };
  const lookIn = (ms: number) => {
    if (stopped) return;
    clearTimeout(timer);
    timer = setTimeout(look, Math.min(ms, 2 ** 31 - 1));
  };
  store.listen(({ plural, type, object }) => {
    if (plural === 'pods' && type === 'DELETED') jobs.podGone(asPod(object));
    if (plural === 'jobs' || plural === 'pods' || plural === 'nodes') lookIn(PAUSE_MS);
  });
  for (const [name, allocatable] of Object.entries(options.nodes)) addNode(name, allocatable);

  return {
    api,
    url: api.url,
    list: (plural, namespace) => store.list(plural, namespace),
    pods: (namespace) => store.list('pods', namespace).map(asPod),
    pids: () => new Map([...kubelets.values()].flatMap((kubelet) => [...kubelet.pids()])),
    log: (pod) => [...kubelets.values()].map((kubelet) => kubelet.log(pod)).join(''),
    async evict({ metadata }) {
      evictPod(store, metadata.namespace ?? 'default', metadata.name);
    },
    create: async (plural, object) => store.create(plural, object),
    async patch(plural, namespace, name, patch) {
      store.update(plural, mergePatch(store.get(plural, namespace, name), patch) as KubeObject);
    },
    async delete(plural, namespace, name) {
      store.delete(plural, store.get(plural, namespace, name));
    },
    listen: (listener) => store.listen(listener),
    killForMemory({ metadata }) {
      for (const kubelet of kubelets.values()) kubelet.killForMemory(metadata.name);
    },
    failNode(name, processes) {
      kubelets.get(name)?.fail(processes);
      failedAtMs.set(name, Date.now());
      lookIn(PAUSE_MS);
    },
    addNode,
    removeNode(name) {
      kubelets.get(name)?.killAll();
      store.remove('nodes', undefined, name);
      for (const pod of podsOn(store.list('pods'), name))
        store.remove('pods', pod.metadata.namespace, pod.metadata.name);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      for (const kubelet of kubelets.values()) kubelet.killAll();
      await Promise.all([...kubelets.values()].map((kubelet) => kubelet.settled()));
      await api.stop();
    },
  };
}

const podsOn = (pods: readonly KubeObject[], node: string) =>
  pods.map(asPod).filter(({ spec }) => spec.nodeName === node);

/** The node life-cycle controller. @returns when to look again, in ms since 1970, or null. */
function loseNodes(store: ApiServer['store'], failedAtMs: Map<string, number>, secondMs: number): number | null {
  const due: number[] = [];
  for (const [name, failedMs] of failedAtMs) {
    const notReadyMs = failedMs + NODE_GRACE_SECONDS * secondMs;
    const found = store.find('nodes', undefined, name);
    if (found === undefined) continue;
    if (Date.now() < notReadyMs) {
      due.push(notReadyMs);
      continue;
    }
    for (const pod of markUnknown(store, asNode(found))) {
      const evictMs = notReadyMs + tolerationSeconds(pod) * secondMs;
      if (Date.now() >= evictMs) loosePod(store, pod);
      if (Date.now() < evictMs) due.push(evictMs);
    }
  }
  return due.length === 0 ? null : Math.min(...due);
}

/**
 * What the control plane notes of a node that it no longer hears: its readiness is unknown, and its pods are not ready, while
 * the kubelet's last word on their containers stays. @returns the pods.
 */
export function markUnknown(store: ClusterState, node: Node): Pod[] {
  const unknown = { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' } as const;
  const conditions = setCondition(node.status.conditions, unknown, Date.now());
  store.update('nodes', { ...node, status: { ...node.status, conditions } });
  const pods = podsOn(store.list('pods'), node.metadata.name);
  for (const pod of pods) {
    const notReady = setCondition(pod.status.conditions, { type: 'Ready', status: 'False' }, Date.now());
    store.update('pods', { ...pod, status: { ...pod.status, conditions: notReady } });
  }
  return pods;
}

function loosePod(store: ApiServer['store'], pod: Pod): void {
  if (pod.metadata.deletionTimestamp !== undefined) return;
  const message = 'Taint manager: deleting due to NoExecute taint';
  markDisrupted(store, pod.metadata.namespace ?? 'default', pod.metadata.name, 'DeletionByTaintManager', message);
  store.delete('pods', pod);
}

function tolerationSeconds({ spec }: Pod): number {
  const own = spec.tolerations?.find(({ key }) => key === 'node.kubernetes.io/unreachable');
  return own?.tolerationSeconds ?? 300;
}
