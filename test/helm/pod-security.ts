import type { V1Container, V1PodSpec } from '@kubernetes/client-node';

const VOLUME_TYPES = [
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected'],
  'secret',
];

/** Every field in which a pod breaks the restricted Pod Security profile (Kubernetes documentation, profile v1.31). */
export function breaches(pod: V1PodSpec): string[] {
  const found: string[] = [];
  for (const key of ['hostNetwork', 'hostPID', 'hostIPC'] as const) if (pod[key] === true) found.push(key);
  for (const { name, ...source } of pod.volumes ?? []) {
    const kinds = Object.keys(source);
    if (kinds.length !== 1 || !VOLUME_TYPES.includes(kinds[0] ?? '')) found.push(`volume ${name}: ${kinds.join(', ')}`);
  }
  const containers = [...pod.containers, ...(pod.initContainers ?? [])];
  for (const container of containers) found.push(...containerBreaches(container, pod));
  return found;
}

function containerBreaches({ name, ports = [], securityContext: own = {} }: V1Container, pod: V1PodSpec): string[] {
  const shared = pod.securityContext ?? {};
  const runAsUser = own.runAsUser ?? shared.runAsUser;
  const checks: readonly (readonly [boolean, string])[] = [
    [own.privileged === true, 'privileged'],
    [own.allowPrivilegeEscalation !== false, 'allowPrivilegeEscalation must be false'],
    [!(own.capabilities?.drop ?? []).includes('ALL'), 'capabilities.drop must hold ALL'],
    [(own.capabilities?.add ?? []).some((added) => added !== 'NET_BIND_SERVICE'), 'capabilities.add'],
    [(own.runAsNonRoot ?? shared.runAsNonRoot) !== true, 'runAsNonRoot must be true'],
    [runAsUser === 0, 'runAsUser must not be 0'],
    [
      !['RuntimeDefault', 'Localhost'].includes((own.seccompProfile ?? shared.seccompProfile)?.type ?? ''),
      'seccompProfile.type',
    ],
    [ports.some(({ hostPort }) => hostPort !== undefined), 'hostPort'],
    [own.procMount !== undefined && own.procMount !== 'Default', 'procMount'],
    // Not part of the profile; our own rule for everything we run.
    [own.readOnlyRootFilesystem !== true, 'readOnlyRootFilesystem must be true'],
  ];
  return checks.flatMap(([broken, field]) => (broken ? [`container ${name}: ${field}`] : []));
}
