/** Part of an object whose shape is not of interest. */
export type Fields = { [key: string]: unknown };

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

export interface Metadata {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
}

/** Any stored object. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec?: Fields;
  status?: Fields;
  [field: string]: unknown;
}

// Type aliases, not interfaces: only those fit where any fields are taken.
export type Condition = {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
};
export type KeyReference = { name: string; key: string; optional?: boolean };
export type EnvVar = {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: KeyReference; configMapKeyRef?: KeyReference; fieldRef?: { fieldPath: string } };
};
export type Container = {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: { allowPrivilegeEscalation?: boolean; capabilities?: { drop?: string[] }; runAsNonRoot?: boolean };
};
export type Toleration = {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
};
export type ContainerStatus = { name: string; image: string; ready: boolean; restartCount: number; state: Fields };
export type PodSpec = {
  containers: Container[];
  nodeName?: string;
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
  restartPolicy?: string;
  terminationGracePeriodSeconds?: number;
  securityContext?: { runAsNonRoot?: boolean; seccompProfile?: { type?: string } };
  volumes?: Fields[];
};
export type PodStatus = {
  phase?: string;
  reason?: string;
  message?: string;
  conditions?: Condition[];
  containerStatuses?: ContainerStatus[];
};
export type PodFailureRule = {
  action: string;
  onExitCodes?: { operator: string; values: number[] };
  onPodConditions?: { type: string; status?: string }[];
};
export type JobSpec = {
  parallelism?: number;
  completions?: number;
  backoffLimit?: number;
  ttlSecondsAfterFinished?: number;
  activeDeadlineSeconds?: number;
  suspend?: boolean;
  podReplacementPolicy?: string;
  podFailurePolicy?: { rules: PodFailureRule[] };
  template: { metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }; spec: PodSpec };
};
export type JobStatus = {
  startTime?: string;
  active?: number;
  failed?: number;
  succeeded?: number;
  conditions?: Condition[];
};
export type NodeSpec = { taints?: { key: string; effect: string; value?: string }[] };
export type NodeStatus = { allocatable: Record<string, string>; conditions: Condition[] };

export interface Pod extends KubeObject {
  spec: PodSpec;
  status: PodStatus;
}
export interface Job extends KubeObject {
  spec: JobSpec;
  status: JobStatus;
}
export interface Node extends KubeObject {
  spec: NodeSpec;
  status: NodeStatus;
}

/** Objects of these kinds were checked when they were created: their fields are what the types say. */
export const asPod = (object: KubeObject) => ({ status: {}, ...object }) as Pod;
export const asJob = (object: KubeObject) => ({ status: {}, ...object }) as Job;
export const asNode = (object: KubeObject) => object as Node;

/** Kubernetes times have whole seconds. */
export function kubeTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

export const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7386: null deletes a key, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Fields = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/** Replaces or adds a condition, keeping the time of a status that did not change. */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  next: Condition,
  nowMs: number,
): Condition[] {
  const others = (conditions ?? []).filter(({ type }) => type !== next.type);
  const before = conditions?.find(({ type }) => type === next.type);
  const same = before?.status === next.status && before.lastTransitionTime !== undefined;
  return [...others, { ...next, lastTransitionTime: same ? before.lastTransitionTime : kubeTime(nowMs) }];
}

export const hasCondition = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
