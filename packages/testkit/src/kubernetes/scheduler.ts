import { isOver } from './job-controller.js';
import { asNode, asPod, hasCondition, type Node, type Pod, setCondition } from './objects.js';
import type { ClusterState } from './store.js';

/** Places pods on the first node that fits, or says why none does. */
export function schedulePods(store: ClusterState): void {
  const nodes = store.list('nodes').map(asNode);
  for (const object of store.list('pods')) {
    const pod = asPod(object);
    if (pod.spec.nodeName !== undefined || pod.metadata.deletionTimestamp !== undefined || isOver(pod)) continue;
    const reasons = nodes.map((node) => whyNot(pod, node, store));
    const fit = nodes[reasons.indexOf(null)];
    if (fit === undefined)
      writeUnschedulable(
        store,
        pod,
        reasons.filter((reason) => reason !== null),
      );
    else bind(store, pod, fit.metadata.name);
  }
}

function bind(store: ClusterState, pod: Pod, nodeName: string): void {
  const conditions = setCondition(pod.status.conditions, { type: 'PodScheduled', status: 'True' }, Date.now());
  store.update('pods', { ...pod, spec: { ...pod.spec, nodeName }, status: { ...pod.status, conditions } });
}

/** `0/2 nodes are available: 2 Insufficient nvidia.com/gpu.` */
function writeUnschedulable(store: ClusterState, pod: Pod, reasons: readonly string[]): void {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const list = [...counts].map(([reason, count]) => `${count} ${reason}`).join(', ');
  const message = `0/${reasons.length} nodes are available${list === '' ? '' : `: ${list}`}.`;
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message } as const;
  const conditions = setCondition(pod.status.conditions, condition, Date.now());
  store.update('pods', { ...pod, status: { ...pod.status, phase: 'Pending', conditions } });
}

function whyNot({ spec }: Pod, node: Node, store: ClusterState): string | null {
  if (!hasCondition(node.status.conditions, 'Ready')) return 'node(s) were not ready';
  const labels = node.metadata.labels ?? {};
  const selected = Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  if (!selected) return "node(s) didn't match Pod's node affinity/selector";
  const taint = (node.spec.taints ?? []).find(
    ({ key, effect }) =>
      effect !== 'PreferNoSchedule' &&
      !(spec.tolerations ?? []).some((one) => (one.key ?? key) === key && (one.effect ?? effect) === effect),
  );
  if (taint !== undefined) return `node(s) had untolerated taint(s) {${taint.key}: ${taint.value ?? ''}}`;
  const used = usedOn(node.metadata.name, store);
  const short = Object.entries(requestsOf(spec)).find(([resource, amount]) => {
    return (used.get(resource) ?? 0) + amount > quantity(node.status.allocatable[resource] ?? '0');
  });
  return short === undefined ? null : `Insufficient ${short[0]}`;
}

function usedOn(node: string, store: ClusterState): Map<string, number> {
  const used = new Map<string, number>();
  for (const object of store.list('pods')) {
    const pod = asPod(object);
    if (pod.spec.nodeName !== node || isOver(pod)) continue;
    for (const [resource, amount] of Object.entries(requestsOf(pod.spec))) {
      used.set(resource, (used.get(resource) ?? 0) + amount);
    }
  }
  return used;
}

function requestsOf(spec: Pod['spec']): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { resources } of spec.containers) {
    for (const [resource, amount] of Object.entries(resources?.requests ?? {})) {
      sum[resource] = (sum[resource] ?? 0) + quantity(amount);
    }
  }
  return sum;
}

const UNITS: Readonly<Record<string, number>> = {
  ...{ m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
};

export function quantity(text: string): number {
  const [, number = '0', unit = ''] = /^([\d.]+)(.*)$/.exec(text) ?? [];
  return Number(number) * (UNITS[unit] ?? 1);
}
