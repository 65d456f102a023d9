import { Pool, PoolsFile, PoolVolume, VOLUME_SOURCES } from '@adctl/controller/kubernetes';
import { z } from 'zod';

const text = z.string();
const labels = z.record(text, text);
const object = z.record(text, z.unknown());
const count = z.int().min(0);
const port = z.int().min(1).max(65_535);
const duration = text.regex(/^\d+(ms|s|m|h)$/);
const image = z.strictObject({
  repository: text,
  tag: text,
  digest: text.regex(/^(sha256:[0-9a-f]{64})?$/),
  pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
});
const resources = z.strictObject({ requests: object.optional(), limits: object.optional() });
const serviceAccount = z.strictObject({ create: z.boolean(), name: text, annotations: labels });
const seed = { secret: text.min(1), key: text.min(1) };
const monitor = { enabled: z.boolean(), labels };
const tolerations = z.array(object);
/** An absolute folder without dots; colons separate folders in the variable that it ends up in. */
const folder = text.regex(/^(\/[^/:.][^/:]*)+$/);
/** A volume of the controller, in the words of `workers.volumes`; one source, of those that the restricted Pod Security profile allows. */
const volume = PoolVolume.extend({
  source: z
    .strictObject(Object.fromEntries(VOLUME_SOURCES.map((source) => [source, object.optional()])))
    .meta({ minProperties: 1, maxProperties: 1 }),
});

/** What `helm/adctl/charts/nats` takes, as `nats:` of the chart. */
const nats = z
  .strictObject({
    enabled: z.boolean(),
    image,
    replicas: z.literal([1, 3, 5]),
    authorization: text,
    routesSecret: z.strictObject({ name: text, key: text.min(1) }),
    tlsSecret: text,
    jetstream: z
      .strictObject({ memory: text, storage: text, storageClassName: text, syncInterval: duration })
      .partial(),
    resources,
    nodeSelector: labels,
    tolerations,
    affinity: object,
    // Helm adds it to every subchart.
    global: object,
  })
  .partial();

/** The chart's values; whatever is not named here is refused by helm at install. */
const Values = z
  .strictObject({
    nameOverride: text,
    fullnameOverride: text,
    image,
    imagePullSecrets: z.array(text.min(1)),
    controller: z.strictObject({
      replicas: count.max(5),
      resources,
      logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']),
      ackWaitMs: z.int().min(1000),
      windowPerSlot: z.int().min(1),
      sharedControl: z.boolean(),
      terminationGraceSeconds: z.int().min(5),
      nodeSelector: labels,
      tolerations,
      affinity: object,
      topologySpreadConstraints: z.array(object),
      priorityClassName: text,
      podAnnotations: labels,
      podLabels: labels,
      env: z.array(object),
      podDisruptionBudget: z.strictObject({ enabled: z.boolean(), minAvailable: z.int().min(1) }),
      cacheSize: text,
      volumes: z.array(volume),
    }),
    serviceAccounts: z.strictObject({ controller: serviceAccount, worker: serviceAccount }),
    messaging: z.strictObject({
      url: text,
      namespace: text.regex(/^[a-z][a-z0-9]{0,31}$/),
      replicas: z.literal([1, 3, 5]),
      tls: z.strictObject({ enabled: z.boolean(), caSecret: z.strictObject({ name: text, key: text.min(1) }) }),
      controllerSeed: z.strictObject(seed),
      workerSeed: z.strictObject({ ...seed, identity: text.regex(/^[A-Za-z0-9_-]+$/) }),
    }),
    objectStore: z.strictObject({
      bucket: text,
      prefix: text,
      region: text,
      endpoint: text.regex(/^(https?:\/\/.+)?$/),
      pathStyle: z.boolean().nullable(),
      checksums: z.enum(['', 'always', 'whenRequired']),
      degraded: z.enum(['', 'single-writer']),
      credentialsSecret: z.strictObject({
        name: text,
        accessKeyIdKey: text,
        secretAccessKeyKey: text,
        sessionTokenKey: text,
      }),
    }),
    dataRoots: z.array(folder),
    pools: z.array(Pool.in.safeExtend({ natsSeed: z.strictObject({ ...seed, key: seed.key.optional() }).optional() })),
    workers: z.strictObject({ env: PoolsFile.shape.env, volumes: PoolsFile.shape.volumes }),
    metrics: z.strictObject({
      port,
      serviceMonitor: z.strictObject({ ...monitor, interval: duration }),
      prometheusRule: z.strictObject(monitor),
      dashboard: z.strictObject(monitor),
    }),
    networkPolicy: z.strictObject({
      enabled: z.boolean(),
      natsClients: z.array(object),
      natsPorts: z.array(port),
      natsCidrs: z.array(text),
      objectStorePorts: z.array(port),
      objectStoreCidrs: z.array(text),
      apiServerPorts: z.array(port),
      apiServerCidrs: z.array(text),
      metricsFrom: z.array(object),
    }),
    tests: z.strictObject({ enabled: z.boolean() }),
    nats,
    global: object,
  })
  .partial();

/** `values.schema.json`: draft 7, which Helm 3 and 4 read. */
export function createValuesSchema(): object {
  return z.toJSONSchema(Values, { target: 'draft-7', io: 'input', unrepresentable: 'any' });
}
