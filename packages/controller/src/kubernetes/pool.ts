import { kubernetesLabel, PoolClass, PoolName } from '@adctl/protocol';
import type { V1Affinity, V1PodResourceClaim, V1Volume } from '@kubernetes/client-node';
import { z } from 'zod';
import { checkPool, checkPools } from './check-pools.js';

/** A Kubernetes quantity such as `1`, `500m`, `16Gi`; numbers must be quoted, as the API's types want them. */
const Quantity = z
  .string('must be a quantity in quotes, e.g. "1", "500m" or "16Gi"')
  .regex(/^\d+(\.\d+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|e\d+)?$/, 'must be a quantity, e.g. "1", "500m" or "16Gi"');
const Quantities = z.record(z.string(), Quantity);
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
const seconds = (fallback: number, least: number, text: string) =>
  z.int().min(least).default(fallback).meta({ description: text });

const EnvironmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a variable name');
const Reference = z.strictObject({ name: z.string().min(1), key: z.string().min(1), optional: z.boolean().optional() });

/** A variable of the worker: a value, or a reference. Secrets come by reference only. */
export const PoolVariable = z.strictObject({
  name: EnvironmentName,
  value: z.string('must be text; quote numbers').optional(),
  valueFrom: z
    .strictObject({
      secretKeyRef: Reference.optional(),
      configMapKeyRef: Reference.optional(),
      fieldRef: z.strictObject({ fieldPath: z.string() }).optional(),
    })
    .optional(),
});
export type PoolVariable = z.infer<typeof PoolVariable>;

/** A volume and where it appears in the worker's container. */
export const PoolVolume = z.strictObject({
  name: kubernetesLabel('a volume name'),
  mountPath: z.string().startsWith('/', 'must be an absolute path'),
  subPath: z.string().optional(),
  readOnly: z.boolean().optional(),
  /** One of `VOLUME_SOURCES`, as in a pod. */
  source: z.custom<Omit<V1Volume, 'name'>>(isObject, 'must be an object with one volume source, e.g. { secret: … }'),
});
export type PoolVolume = z.infer<typeof PoolVolume>;

export const PoolToleration = z.strictObject({
  key: z.string().optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().optional(),
});

/** A kind of worker pod, and how many of them there may be. */
export const Pool = z
  .strictObject({
    name: PoolName.meta({ description: 'What a sweep names as resources.pool.' }),
    class: PoolClass.optional().meta({
      description: 'Which trials its workers take; default: the name. Pools of one class are filled in their order.',
    }),
    image: z.string().min(1).meta({ description: 'Worker image with a tag or digest.' }),
    imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
    command: z.array(z.string()).optional().meta({ description: "Instead of the image's entry point." }),
    args: z.array(z.string()).optional(),
    flavour: z.enum(['gpu', 'cpu']).default('gpu').meta({
      description: 'gpu: a worker that sees no GPU ends with exit code 77 instead of training on the CPU.',
    }),
    slotsPerWorker: z.int().min(1).default(1).meta({ description: 'Trials at a time in one worker.' }),
    threads: z.int().min(1).default(1).meta({ description: 'TensorFlow threads of each trial.' }),
    min: z.int().min(0).default(0).meta({ description: 'Workers kept even without trials.' }),
    max: z.int().min(0).meta({ description: 'Most workers at once.' }),
    idleSeconds: seconds(300, 1, 'A worker without a trial for so long ends, so that its node can go.'),
    startSeconds: seconds(900, 1, 'A worker that cannot train so long after its pod got a node has failed.'),
    maxLifetimeSeconds: seconds(86_400, 60, 'A worker this old is drained and replaced.'),
    graceSeconds: z.int().min(5).optional().meta({
      description: 'Time to save a checkpoint when a pod must go; default 120, for spot 25.',
    }),
    spot: z.boolean().default(false).meta({ description: 'Its nodes can vanish within seconds of a warning.' }),
    drain: z
      .boolean()
      .default(false)
      .meta({ description: 'true: its workers save their trials and end; none follow.' }),
    nodeSelector: z.record(z.string(), z.string()).optional(),
    tolerations: z.array(PoolToleration).default([]),
    affinity: z.custom<V1Affinity>(isObject, 'must be an affinity object as in a pod').optional(),
    runtimeClassName: z.string().optional(),
    resources: z
      .strictObject({ requests: Quantities.default({}), limits: Quantities.default({}) })
      .meta({ description: 'As in a container; any key, so that slices such as nvidia.com/mig-1g.10gb work.' }),
    resourceClaims: z
      .array(z.custom<V1PodResourceClaim>(isObject, 'must be a resource claim object as in a pod'))
      .default([]),
    priorityClassName: z.string().optional(),
    queueName: z.string().optional().meta({ description: 'Local queue of Kueue that admits its Jobs.' }),
    serviceAccount: z.string().optional(),
    shmSize: Quantity.default('1Gi').meta({ description: 'Of /dev/shm; counts against the memory limit.' }),
    tmpSize: Quantity.default('10Gi').meta({ description: 'Of /tmp, on the node.' }),
    data: z
      .strictObject({
        size: Quantity.default('20Gi'),
        kind: z.enum(['ephemeral', 'emptyDir']).default('ephemeral'),
        storageClassName: z.string().optional(),
      })
      .prefault({})
      .meta({ description: 'Of /data, for data sets and caches: a claim that lives with the pod, or the node.' }),
    volumes: z.array(PoolVolume).default([]),
    env: z.array(PoolVariable).default([]),
  })
  .superRefine(checkPool)
  .transform((pool) => ({
    ...pool,
    class: pool.class ?? pool.name,
    graceSeconds: pool.graceSeconds ?? (pool.spot ? 25 : 120),
  }));
export type Pool = z.output<typeof Pool>;
/** A pool as people write it. */
export type PoolInput = z.input<typeof Pool>;

/** The pools file: what all workers share, and the pools. */
export const PoolsFile = z
  .strictObject({
    imagePullSecrets: z.array(z.string().min(1)).default([]),
    env: z.array(PoolVariable).default([]).meta({ description: 'Variables of every worker; a pool may override one.' }),
    volumes: z.array(PoolVolume).default([]).meta({ description: 'Volumes of every worker.' }),
    pools: z.array(Pool).min(1),
  })
  .superRefine(checkPools);
export type PoolsFile = z.output<typeof PoolsFile>;
