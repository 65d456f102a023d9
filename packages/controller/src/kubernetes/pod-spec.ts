import { WORKER_EXIT_CODES } from '@adctl/protocol';
import type { V1EnvVar, V1Job, V1OwnerReference, V1Toleration, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import { ANNOTATIONS, FIELD_MANAGER, LABELS, templateDigest, WORKER_CONTAINER } from './names.js';
import type { Pool, PoolsFile, PoolVariable } from './pool.js';

/** What a Job is made from beside its pool. */
export interface JobSurroundings {
  readonly namespace: string;
  /** Name of the installation (Helm: the release). */
  readonly instance: string;
  /** What all pools share. */
  readonly shared: Omit<PoolsFile, 'pools'>;
  /** The workload whose deletion takes the Jobs with it; undefined outside a cluster. */
  readonly owner: V1OwnerReference | undefined;
}

export interface WorkerJob {
  /** See `workerJobName`. */
  readonly name: string;
  /** A worker that stays without trials. */
  readonly kept: boolean;
}

/** User and group of the worker image. */
const WORKER_UID = 10_001;
/** Failed pods after which Kubernetes gives a Job up; the pool's circuit breaker counts such Jobs. */
const BACKOFF_LIMIT = 3;
/** How long an ended Job stays to be looked at. */
const TTL_AFTER_FINISHED_SECONDS = 600;
/** How long a pod stays on a node that does not answer. */
const NODE_LOST_SECONDS = 30;
/** Left between the drain's end and SIGKILL. */
const GRACE_MARGIN_SECONDS = 3;
/** Share of the drain that a training has to reach the end of its step; the rest is for storing. */
const STOP_SHARE = 0.75;
export const HEALTH_PORT = 8081;

/**
 * The Job of one worker: a single pod that takes trials until it is idle or drained. A pure function.
 *
 * Kubernetes retries the pod with back-off; bad configuration (exit code 78) ends the Job at once, and evictions, preemption
 * and drained nodes do not count as failures. The pod satisfies the restricted Pod Security profile.
 */
export function buildWorkerJob(pool: Pool, worker: WorkerJob, around: JobSurroundings): V1Job {
  const labels = labelsOf(pool, worker, around);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: worker.name,
      namespace: around.namespace,
      labels: pool.queueName === undefined ? labels : { ...labels, [LABELS.kueueQueue]: pool.queueName },
      ...(around.owner === undefined ? {} : { ownerReferences: [around.owner] }),
    },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: BACKOFF_LIMIT,
      ttlSecondsAfterFinished: TTL_AFTER_FINISHED_SECONDS,
      // The controller drains at the lifetime's end; this is for a controller that does not come.
      activeDeadlineSeconds: pool.maxLifetimeSeconds + pool.startSeconds + pool.graceSeconds,
      podFailurePolicy: {
        rules: [
          {
            action: 'FailJob',
            onExitCodes: {
              containerName: WORKER_CONTAINER,
              operator: 'In',
              values: [WORKER_EXIT_CODES.badConfiguration],
            },
          },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      template: {
        metadata: { labels, annotations: { [ANNOTATIONS.karpenterDoNotDisrupt]: 'true' } },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: pool.graceSeconds,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...(pool.serviceAccount === undefined ? {} : { serviceAccountName: pool.serviceAccount }),
          ...(pool.priorityClassName === undefined ? {} : { priorityClassName: pool.priorityClassName }),
          ...(pool.runtimeClassName === undefined ? {} : { runtimeClassName: pool.runtimeClassName }),
          ...(pool.nodeSelector === undefined ? {} : { nodeSelector: pool.nodeSelector }),
          ...(pool.affinity === undefined ? {} : { affinity: pool.affinity }),
          ...(pool.resourceClaims.length === 0 ? {} : { resourceClaims: pool.resourceClaims }),
          imagePullSecrets: around.shared.imagePullSecrets.map((name) => ({ name })),
          tolerations: tolerationsOf(pool),
          securityContext: {
            runAsNonRoot: true,
            runAsUser: WORKER_UID,
            runAsGroup: WORKER_UID,
            fsGroup: WORKER_UID,
            fsGroupChangePolicy: 'OnRootMismatch',
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: WORKER_CONTAINER,
              image: pool.image,
              imagePullPolicy: pool.imagePullPolicy,
              ...(pool.command === undefined ? {} : { command: pool.command }),
              ...(pool.args === undefined ? {} : { args: pool.args }),
              env: environmentOf(pool, worker, around.shared.env),
              ports: [{ name: 'health', containerPort: HEALTH_PORT }],
              resources: {
                requests: pool.resources.requests,
                limits: pool.resources.limits,
                ...(pool.resourceClaims.length === 0
                  ? {}
                  : { claims: pool.resourceClaims.map(({ name }) => ({ name })) }),
              },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              // Long enough for an engine that compiles its kernels for a new GPU.
              startupProbe: {
                httpGet: { path: '/healthz', port: 'health' },
                periodSeconds: 5,
                failureThreshold: Math.ceil(pool.startSeconds / 5),
              },
              // Training runs in other processes: an event loop that does not answer for two minutes is stuck.
              livenessProbe: {
                httpGet: { path: '/healthz', port: 'health' },
                periodSeconds: 20,
                timeoutSeconds: 10,
                failureThreshold: 6,
              },
              volumeMounts: mountsOf(pool, around.shared.volumes),
            },
          ],
          volumes: volumesOf(pool, around.shared.volumes),
        },
      },
    },
  };
}

function labelsOf(pool: Pool, { kept }: WorkerJob, around: JobSurroundings): Record<string, string> {
  return {
    [LABELS.name]: 'adctl',
    [LABELS.instance]: around.instance,
    [LABELS.component]: 'worker',
    [LABELS.managedBy]: FIELD_MANAGER,
    [LABELS.pool]: pool.name,
    [LABELS.class]: pool.class,
    [LABELS.kept]: String(kept),
    [LABELS.template]: templateDigest(pool, around.shared),
  };
}

function tolerationsOf(pool: Pool): V1Toleration[] {
  const own: V1Toleration[] = [
    ...['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
      key,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: NODE_LOST_SECONDS,
    })),
    ...(pool.flavour === 'gpu' ? [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }] : []),
  ];
  const written = new Set(pool.tolerations.map(({ key, effect }) => `${key} ${effect}`));
  return [...pool.tolerations, ...own.filter(({ key, effect }) => !written.has(`${key} ${effect}`))];
}

/** The controller's own variables first, then those of all pools, then the pool's; a later one of a name wins. */
function environmentOf(pool: Pool, { kept }: WorkerJob, shared: readonly PoolVariable[]): V1EnvVar[] {
  const drainMs = (pool.graceSeconds - GRACE_MARGIN_SECONDS) * 1000;
  const values = {
    ADCTL_CLASS: pool.class,
    ADCTL_ENGINE_FLAVOUR: pool.flavour,
    ADCTL_SLOTS: String(pool.slotsPerWorker),
    ADCTL_THREADS: String(pool.threads),
    ADCTL_IDLE_MS: kept ? '0' : String(pool.idleSeconds * 1000),
    ADCTL_DRAIN_GRACE_MS: String(drainMs),
    ADCTL_STOP_GRACE_MS: String(drainMs * STOP_SHARE),
    ADCTL_HEALTH_PORT: String(HEALTH_PORT),
    ADCTL_CACHE_DIR: '/data/cache',
    CUDA_CACHE_PATH: '/data/cuda',
    HOME: '/tmp',
  };
  const variables = new Map<string, V1EnvVar>();
  // The pod's name, not the Job's: a pod that replaces a failed one is another worker.
  variables.set('ADCTL_WORKER_ID', {
    name: 'ADCTL_WORKER_ID',
    valueFrom: { fieldRef: { fieldPath: 'metadata.name' } },
  });
  for (const [name, value] of Object.entries(values)) variables.set(name, { name, value });
  for (const variable of [...shared, ...pool.env]) {
    variables.delete(variable.name); // a variable may refer only to earlier ones
    variables.set(variable.name, variable);
  }
  return [...variables.values()];
}

function volumesOf(pool: Pool, shared: PoolsFile['volumes']): V1Volume[] {
  return [
    { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: pool.shmSize } },
    { name: 'tmp', emptyDir: { sizeLimit: pool.tmpSize } },
    dataVolume(pool),
    ...[...shared, ...pool.volumes].map(({ name, source }) => ({ name, ...source })),
  ];
}

function dataVolume({ data }: Pool): V1Volume {
  if (data.kind === 'emptyDir') return { name: 'data', emptyDir: { sizeLimit: data.size } };
  return {
    name: 'data',
    ephemeral: {
      volumeClaimTemplate: {
        spec: {
          accessModes: ['ReadWriteOnce'],
          ...(data.storageClassName === undefined ? {} : { storageClassName: data.storageClassName }),
          resources: { requests: { storage: data.size } },
        },
      },
    },
  };
}

function mountsOf(pool: Pool, shared: PoolsFile['volumes']): V1VolumeMount[] {
  return [
    { name: 'shm', mountPath: '/dev/shm' },
    { name: 'tmp', mountPath: '/tmp' },
    { name: 'data', mountPath: '/data' },
    ...[...shared, ...pool.volumes].map(({ source: _source, ...mount }) => mount),
  ];
}
