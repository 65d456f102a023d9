/** A collection that the fake serves. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Its status is written apart. */
  readonly status: boolean;
}

const resource = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  more: Partial<Resource> = {},
): Resource => ({
  ...{ group, version, plural, kind, namespaced: true, status: false },
  ...more,
});

export const RESOURCES: readonly Resource[] = [
  resource('batch', 'v1', 'jobs', 'Job', { status: true }),
  resource('', 'v1', 'pods', 'Pod', { status: true }),
  resource('', 'v1', 'secrets', 'Secret'),
  resource('', 'v1', 'configmaps', 'ConfigMap'),
  resource('', 'v1', 'namespaces', 'Namespace', { namespaced: false }),
  resource('', 'v1', 'nodes', 'Node', { namespaced: false, status: true }),
  resource('apps', 'v1', 'deployments', 'Deployment', { status: true }),
  resource('apps', 'v1', 'replicasets', 'ReplicaSet', { status: true }),
  resource('events.k8s.io', 'v1', 'events', 'Event'),
  resource('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  resource('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget', { status: true }),
];

/** A request's path, taken apart. */
export interface Route {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

const PATH =
  /^\/(?:api|apis\/(?<group>[^/]+))\/(?<version>[^/]+)(?:\/namespaces\/(?<namespace>[^/]+)(?=\/))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+))?(?:\/(?<sub>[^/]+))?$/;

export function routeOf(path: string): Route | undefined {
  const parts = PATH.exec(path)?.groups;
  if (parts === undefined) return undefined;
  const { group = '', version, namespace, plural, name, sub } = parts;
  const found = RESOURCES.find((one) => one.group === group && one.version === version && one.plural === plural);
  return found === undefined ? undefined : { resource: found, namespace, name, subresource: sub };
}
