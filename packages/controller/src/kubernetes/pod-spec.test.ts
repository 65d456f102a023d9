import { expect, it } from 'vitest';
import { workerJobName } from './names.js';
import { buildWorkerJob, type JobSurroundings } from './pod-spec.js';
import type { PoolInput } from './pool.js';
import { aPool } from './testing/builders.fixtures.js';

const OWNER = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'adctl-1', uid: 'u1', blockOwnerDeletion: false };
const AROUND: JobSurroundings = {
  namespace: 'ml',
  instance: 'adctl',
  shared: { imagePullSecrets: [], env: [], volumes: [] },
  owner: OWNER,
};

function build(keys: Partial<PoolInput> = {}, more: { kept?: boolean; around?: Partial<JobSurroundings> } = {}) {
  const job = buildWorkerJob(
    aPool(keys),
    { name: 'gpu24-1-1', kept: more.kept ?? false },
    { ...AROUND, ...more.around },
  );
  const pod = job.spec?.template.spec;
  const [container] = pod?.containers ?? [];
  if (job.spec === undefined || pod === undefined || container === undefined) throw new Error('no pod');
  return { job, spec: job.spec, pod, container, env: new Map(container.env?.map((one) => [one.name, one])) };
}

it('makes one pod that is never restarted in place', () => {
  const { spec, pod } = build();

  expect(spec).toMatchObject({ parallelism: 1, completions: 1, backoffLimit: 3, ttlSecondsAfterFinished: 600 });
  expect(pod.restartPolicy).toBe('Never');
  expect(spec.suspend).toBeUndefined(); // a queue suspends Jobs by its webhook; nobody else may touch it
});

it('gives up at once for bad configuration, and counts no interruption as a failure', () => {
  expect(build().spec.podFailurePolicy).toEqual({
    rules: [
      { action: 'FailJob', onExitCodes: { containerName: 'worker', operator: 'In', values: [78] } },
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    ],
  });
});

it('ends a worker that no controller drained at its lifetime', () => {
  const { spec } = build({ maxLifetimeSeconds: 3600, startSeconds: 100, graceSeconds: 20 });

  expect(spec.activeDeadlineSeconds).toBe(3720);
});

it('satisfies the restricted Pod Security profile field by field', () => {
  const { pod, container } = build({
    volumes: [{ name: 'ca', mountPath: '/etc/ca', readOnly: true, source: { secret: { secretName: 'ca' } } }],
  });

  expect([pod.hostNetwork, pod.hostPID, pod.hostIPC]).toEqual([undefined, undefined, undefined]);
  expect(container.ports?.map(({ hostPort }) => hostPort)).toEqual([undefined]);
  expect(pod.securityContext?.runAsNonRoot).toBe(true);
  expect(pod.securityContext?.runAsUser).toBeGreaterThan(0);
  expect(pod.securityContext?.seccompProfile).toEqual({ type: 'RuntimeDefault' });
  expect(pod.securityContext?.sysctls).toBeUndefined();
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  const sources = pod.volumes?.flatMap(({ name: _, ...source }) => Object.keys(source));
  expect(sources).toEqual(['emptyDir', 'emptyDir', 'ephemeral', 'secret']);
});

it('holds no token of the API server, and no variables about other services', () => {
  const { pod } = build();

  expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
});

it('goes with the controller, and does not hold up its deletion', () => {
  expect(build().job.metadata?.ownerReferences).toEqual([OWNER]);
  expect(build({}, { around: { owner: undefined } }).job.metadata?.ownerReferences).toBeUndefined();
});

it('tells the worker who it is and what it serves', () => {
  const { env } = build({ class: 'big', slotsPerWorker: 2, threads: 4, idleSeconds: 60, graceSeconds: 30 });

  expect(env.get('ADCTL_WORKER_ID')).toEqual({
    name: 'ADCTL_WORKER_ID',
    valueFrom: { fieldRef: { fieldPath: 'metadata.name' } },
  });
  const values = Object.fromEntries([...env].map(([name, { value }]) => [name, value]));
  expect(values).toMatchObject({
    ADCTL_CLASS: 'big',
    ADCTL_ENGINE_FLAVOUR: 'gpu',
    ADCTL_SLOTS: '2',
    ADCTL_THREADS: '4',
    ADCTL_IDLE_MS: '60000',
    ADCTL_DRAIN_GRACE_MS: '27000',
  });
});

it('lets a kept worker stay without trials', () => {
  const { env, job } = build({}, { kept: true });

  expect(env.get('ADCTL_IDLE_MS')?.value).toBe('0');
  expect(job.metadata?.labels?.['adctl.dev/kept']).toBe('true');
});

it('passes secrets by reference, and lets a pool override a shared variable', () => {
  const reference = { name: 'AWS_SECRET_ACCESS_KEY', valueFrom: { secretKeyRef: { name: 's3', key: 'secret' } } };
  const shared = {
    imagePullSecrets: ['pull'],
    env: [reference, { name: 'ADCTL_LOG_LEVEL', value: 'info' }],
    volumes: [{ name: 'creds', mountPath: '/etc/nats', readOnly: true, source: { secret: { secretName: 'nats' } } }],
  };

  const { env, pod, container } = build({ env: [{ name: 'ADCTL_LOG_LEVEL', value: 'debug' }] }, { around: { shared } });

  expect(env.get('AWS_SECRET_ACCESS_KEY')).toEqual(reference);
  expect(env.get('ADCTL_LOG_LEVEL')?.value).toBe('debug');
  expect(container.env?.filter(({ name }) => name === 'ADCTL_LOG_LEVEL')).toHaveLength(1);
  expect(pod.imagePullSecrets).toEqual([{ name: 'pull' }]);
  expect(container.volumeMounts).toContainEqual({ name: 'creds', mountPath: '/etc/nats', readOnly: true });
});

it('tolerates the taint of GPU nodes, and leaves dead nodes after 30 s unless the pool says otherwise', () => {
  const unreachable = {
    key: 'node.kubernetes.io/unreachable',
    operator: 'Exists' as const,
    effect: 'NoExecute' as const,
  };

  const { pod } = build({ tolerations: [{ ...unreachable, tolerationSeconds: 5 }] });

  expect(pod.tolerations).toEqual([
    { ...unreachable, tolerationSeconds: 5 },
    { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 },
    { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
  ]);
});

it('queues by a label on the Job, and never marks its pods for the queue', () => {
  const { job, spec } = build({ queueName: 'team-a', priorityClassName: 'low' });

  expect(job.metadata?.labels?.['kueue.x-k8s.io/queue-name']).toBe('team-a');
  expect(spec.template.metadata?.labels?.['kueue.x-k8s.io/queue-name']).toBeUndefined();
  expect(spec.template.spec?.priorityClassName).toBe('low');
});

it('passes claims on devices through', () => {
  const { pod, container } = build({ resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'a100' }] });

  expect(pod.resourceClaims).toEqual([{ name: 'gpu', resourceClaimTemplateName: 'a100' }]);
  expect(container.resources?.claims).toEqual([{ name: 'gpu' }]);
});

it('changes the template digest with what a pod is made from, not with how many there are', () => {
  const digest = (keys: Partial<PoolInput>) => build(keys).job.metadata?.labels?.['adctl.dev/template'];

  expect(digest({ max: 9, min: 1 })).toBe(digest({}));
  expect(digest({ image: 'registry.example/adctl-worker:0.2.0' })).not.toBe(digest({}));
});

it('names Jobs within the limit that pods and labels set', () => {
  const longest = workerJobName('a'.repeat(24), 36 ** 12 - 1, 36 ** 6 - 1);

  // The Job controller adds a dash and five characters to its pods.
  expect(`${longest}-abcde`.length).toBeLessThanOrEqual(63);
  expect(workerJobName('gpu24', 37, 3)).toBe('gpu24--11-3');
});
