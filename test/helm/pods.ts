import { buildWorkerJob } from '@adctl/controller/kubernetes';
import type { V1EnvVar, V1Job, V1PodSpec, V1PodTemplateSpec } from '@kubernetes/client-node';
import { type ControllerConfig, parseControllerConfig } from '../../packages/controller/src/config.js';
import { findManifest } from './chart.js';
import type { Manifest } from './strict-manifest.js';

type Variables = Readonly<Record<string, string>>;

/** The pods of a rendered chart, but for the workers', which the controller makes. */
export function podsOf(manifests: readonly Manifest[]): [title: string, pod: V1PodSpec][] {
  return manifests
    .filter(({ kind }) => ['Deployment', 'StatefulSet', 'Pod'].includes(kind))
    .map((one) => [`${one.kind} ${one.metadata.name}`, podOf(one)]);
}

export function podOf(manifest: Manifest): V1PodSpec {
  const pod = manifest.kind === 'Pod' ? (manifest.spec as V1PodSpec) : podTemplateOf(manifest).spec;
  if (pod === undefined) throw new Error(`${manifest.kind} ${manifest.metadata.name} has no pods`);
  return pod;
}

/** What a Deployment or StatefulSet makes pods from. */
export function podTemplateOf({ spec }: Manifest): V1PodTemplateSpec {
  return (spec as { template: V1PodTemplateSpec }).template;
}

/** The settings that the chart's controller would run with. */
export function controllerConfigOf(manifests: readonly Manifest[]): ControllerConfig {
  return readControllerConfig(manifests, environmentOf(podOf(findManifest(manifests, 'Deployment'))));
}

/** The pools file lies in a ConfigMap, not on this machine: its text goes in its place. */
export function readControllerConfig(manifests: readonly Manifest[], variables: Variables): ControllerConfig {
  const { ADCTL_POOLS_FILE: file, ...others } = variables;
  if (file === undefined) return parseControllerConfig(others);
  if (file !== '/etc/adctl/pools/pools.yaml') throw new Error(`no pools are mounted at ${file}`);
  return parseControllerConfig({ ...others, ADCTL_POOLS: poolsFile(manifests) });
}

/** The Job of a worker of each pool, as the chart's controller would make it. */
export function workerJobsOf(manifests: readonly Manifest[]): V1Job[] {
  const { kubernetes } = controllerConfigOf(manifests);
  if (kubernetes === null) return [];
  const { pools, ...shared } = kubernetes.pools;
  const around = { namespace: 'adctl', instance: kubernetes.instance, shared, owner: undefined };
  return pools.map((pool) => buildWorkerJob(pool, { name: `${pool.name}-1-1`, kept: false }, around));
}

export function workerPodOf(job: V1Job | undefined): V1PodSpec {
  const pod = job?.spec?.template.spec;
  if (pod === undefined) throw new Error('no worker pod');
  return pod;
}

/** The first container's variables; references become words. */
export function environmentOf({ containers: [container] }: V1PodSpec): Record<string, string> {
  return Object.fromEntries((container?.env ?? []).map((variable) => [variable.name, textOf(variable)]));
}

function poolsFile(manifests: readonly Manifest[]): string {
  const { 'pools.yaml': text } = findManifest(manifests, 'ConfigMap', 'pools').data as Record<string, string>;
  if (text === undefined) throw new Error('the ConfigMap of the pools has no pools.yaml');
  return text;
}

function textOf({ value, valueFrom }: V1EnvVar): string {
  const secret = valueFrom?.secretKeyRef;
  if (secret !== undefined) return `secret ${secret.name}/${secret.key}`;
  return value ?? 'from-the-pod';
}
