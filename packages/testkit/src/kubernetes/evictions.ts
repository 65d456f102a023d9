import { Refusal } from './failures.js';
import { asPod, isRecord, setCondition } from './objects.js';
import { labelMatcher } from './selectors.js';
import type { Store } from './store.js';

/** `POST pods/<name>/eviction`: marks the pod and deletes it, unless a budget forbids. */
export function evictPod(store: Store, namespace: string, name: string): { code: number; body: unknown } {
  const pod = asPod(store.get('pods', namespace, name));
  if (
    store.list('poddisruptionbudgets', namespace).some((budget) => forbids(budget.spec ?? {}, store, namespace, pod))
  ) {
    const message = "Cannot evict pod as it would violate the pod's disruption budget.";
    throw new Refusal(
      429,
      'TooManyRequests',
      message,
      { causes: [{ reason: 'DisruptionBudget' }] },
      { 'Retry-After': '10' },
    );
  }
  markDisrupted(store, namespace, name, 'EvictionByEvictionAPI', 'Eviction API: evicting');
  store.delete('pods', pod);
  return { code: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
}

/** Notes on a pod that it is about to be taken away, and why. */
export function markDisrupted(store: Store, namespace: string, name: string, reason: string, message: string): void {
  const pod = asPod(store.get('pods', namespace, name));
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message } as const;
  store.update('pods', {
    ...pod,
    status: { ...pod.status, conditions: setCondition(pod.status.conditions, condition, Date.now()) },
  });
}

function forbids(
  spec: Record<string, unknown>,
  store: Store,
  namespace: string,
  pod: ReturnType<typeof asPod>,
): boolean {
  const labels = isRecord(spec.selector) && isRecord(spec.selector.matchLabels) ? spec.selector.matchLabels : {};
  const selector = Object.entries(labels)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(',');
  const matches = labelMatcher(selector);
  if (!matches(pod)) return false;
  const healthy = store.list('pods', namespace).filter((one) => matches(one) && asPod(one).status.phase === 'Running');
  return typeof spec.minAvailable === 'number' && healthy.length - 1 < spec.minAvailable;
}
