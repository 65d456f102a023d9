import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CONTROLLER_RIGHTS } from '@adctl/controller/kubernetes';
import { expect, test } from 'vitest';
import { parseWorkerConfig } from '../../packages/worker/src/config.js';
import { BASE_VALUES, CHART, findManifest, LEAST_VALUES, OVERLAY_NAMES, overlayValues, renderChart } from './chart.js';
import { describeWithTools } from './describe-with-tools.js';
import { breaches } from './pod-security.js';
import {
  controllerConfigOf,
  environmentOf,
  podOf,
  podsOf,
  podTemplateOf,
  readControllerConfig,
  workerJobsOf,
  workerPodOf,
} from './pods.js';
import { findProblems } from './strict-manifest.js';
import { findUnread } from './unread-variables.js';
import { createValuesSchema } from './values-schema.js';

const run = promisify(execFile);

const POOL = {
  name: 'gpu',
  image: 'registry.example/adctl-worker:1',
  max: 2,
  resources: { requests: { cpu: '1', memory: '4Gi' }, limits: { 'nvidia.com/gpu': '1' } },
};
const IMAGES = {
  ...{ name: 'images', mountPath: '/mnt/images', readOnly: true },
  source: { persistentVolumeClaim: { claimName: 'images', readOnly: true } },
};
const EVERYTHING = {
  ...LEAST_VALUES,
  imagePullSecrets: ['pull'],
  pools: [POOL],
  messaging: { url: 'tls://nats.example:4222', tls: { enabled: true, caSecret: { name: 'ca' } } },
  objectStore: {
    bucket: 'trials',
    prefix: 'team',
    region: 'eu-central-1',
    endpoint: 'https://objects.example',
    pathStyle: true,
    checksums: 'whenRequired',
    degraded: 'single-writer',
    credentialsSecret: { name: 'objects', sessionTokenKey: 'token' },
  },
  serviceAccounts: { controller: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/a' } } },
  controller: {
    ...{ nodeSelector: { a: 'b' }, tolerations: [{ key: 'a', operator: 'Exists' }], podLabels: { team: 'x' } },
    volumes: [IMAGES],
    sharedControl: true,
  },
  workers: { volumes: [IMAGES] },
  dataRoots: ['/mnt/images/surfaces', '/mnt/images/wafers'],
  metrics: {
    serviceMonitor: { enabled: true },
    prometheusRule: { enabled: true },
    dashboard: { enabled: true },
  },
};
const OWN_NATS = {
  ...LEAST_VALUES,
  messaging: {},
  pools: [POOL],
  nats: {
    ...{ enabled: true, authorization: 'authorization {}', replicas: 3, tlsSecret: 'tls' },
    routesSecret: { name: 'routes' },
  },
};
const MONITORING = ['monitoring.coreos.com/v1'];
/** Kinds of operators that may not be installed; their schemas are not part of Kubernetes. */
const FOREIGN = ['ServiceMonitor', 'PrometheusRule'];

test('the checked-in values schema is the one made from the source', async () => {
  await expect(`${JSON.stringify(createValuesSchema(), null, 2)}\n`).toMatchFileSnapshot(
    join(CHART, 'values.schema.json'),
  );
});

describeWithTools('the chart', ({ helm }) => {
  const render = (values: object, apiVersions: readonly string[] = []) => renderChart({ helm, values, apiVersions });

  test('passes helm lint --strict with its least values', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'adctl-lint-'));
    const values = join(folder, 'values.yaml');
    writeFileSync(values, JSON.stringify(LEAST_VALUES));

    const { stdout } = await run(helm, ['lint', '--strict', CHART, '--values', values]);

    expect(stdout).toContain('0 chart(s) failed');
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['the least values', LEAST_VALUES],
    ['every switch on', EVERYTHING],
    ['an own NATS server', OWN_NATS],
  ] as const)('with %s, every object is one that an API server accepts', async (_what, values) => {
    const manifests = await render(values, MONITORING);
    const own = manifests.filter(({ kind }) => !FOREIGN.includes(kind));

    expect(own.flatMap(findProblems)).toEqual([]);
    expect(own.length).toBeGreaterThanOrEqual(9);
  });

  test('a release and a namespace of digits alone stay text', async () => {
    const values = { ...EVERYTHING, fullnameOverride: 'lab' };
    const manifests = await renderChart({ helm, values, apiVersions: MONITORING, release: '2026', namespace: '11' });

    const checked = manifests.filter(({ kind }) => !FOREIGN.includes(kind));
    expect(checked.flatMap(findProblems)).toEqual([]);
  });

  test.each([
    ['the Service', EVERYTHING],
    ['the Service of its own NATS', { ...OWN_NATS, fullnameOverride: 'lab' }],
  ] as const)('a release that begins with a digit is refused where it names %s', async (_what, values) => {
    const rendering = renderChart({ helm, values, apiVersions: MONITORING, release: '2026' });

    await expect(rendering).rejects.toThrow(/names of Services begin with a letter/);
  });

  test.each(OVERLAY_NAMES)('every object of overlay %s is one that an API server accepts', async (name) => {
    const manifests = await renderChart({ helm, files: [BASE_VALUES, overlayValues(name)] });

    expect(manifests.flatMap(findProblems)).toEqual([]);
  });

  test('every pod satisfies the restricted Pod Security profile, field by field', async () => {
    const manifests = await render(
      { ...EVERYTHING, messaging: {}, nats: { enabled: true, authorization: 'authorization {}' } },
      MONITORING,
    );
    const pods = podsOf(manifests);
    const jobs = workerJobsOf(manifests);

    expect(pods.map(([title]) => title)).toEqual(
      expect.arrayContaining(['Deployment adctl-controller', 'StatefulSet adctl-nats', 'Pod adctl-test-ready']),
    );
    for (const [title, pod] of pods) expect(breaches(pod), title).toEqual([]);
    expect(jobs).toHaveLength(1);
    for (const job of jobs) expect(breaches(workerPodOf(job)), job.metadata?.name).toEqual([]);
  });

  test('the controller and the workers understand the environment the chart gives them', async () => {
    const manifests = await render(EVERYTHING, MONITORING);
    const worker = environmentOf(workerPodOf(workerJobsOf(manifests)[0]));

    expect(controllerConfigOf(manifests)).toMatchObject({
      nats: { servers: ['tls://nats.example:4222'], tls: { caFile: '/etc/adctl/nats-ca/ca.crt' } },
      objects: { kind: 's3' },
    });
    expect(parseWorkerConfig(worker)).toMatchObject({ class: 'gpu', slots: 1, idleMs: 300_000 });
    expect(worker).toMatchObject({
      ADCTL_NATS_IDENTITY: 'worker',
      AWS_SECRET_ACCESS_KEY: 'secret objects/AWS_SECRET_ACCESS_KEY',
    });
  });

  test('folders that sweeps may read are mounted and named in controller and workers alike; by default there are none', async () => {
    const manifests = await render(EVERYTHING, MONITORING);
    const roots = ['/mnt/images/surfaces', '/mnt/images/wafers'];
    const worker = workerPodOf(workerJobsOf(manifests)[0]);

    expect(controllerConfigOf(manifests).dataRoots).toEqual(roots);
    expect(parseWorkerConfig(environmentOf(worker)).dataRoots).toEqual(roots);
    for (const pod of [podOf(findManifest(manifests, 'Deployment')), worker]) {
      const { source, ...mount } = IMAGES;
      expect(pod.volumes).toContainEqual({ name: mount.name, ...source });
      expect(pod.containers[0]?.volumeMounts).toContainEqual(mount);
    }
    const least = await render({ ...LEAST_VALUES, pools: [POOL] });
    expect(controllerConfigOf(least).dataRoots).toEqual([]);
    expect(parseWorkerConfig(environmentOf(workerPodOf(workerJobsOf(least)[0]))).dataRoots).toEqual([]);
  });

  test('workers of a pool with a credential of its own get that one, and speak under its name', async () => {
    const other = { ...POOL, name: 'gpu-spot', class: 'gpu', natsSeed: { secret: 'spot-seed' } };
    const manifests = await render({ ...LEAST_VALUES, pools: [POOL, other] });
    const credentials = workerJobsOf(manifests).map((job) => {
      const pod = workerPodOf(job);
      const seed = pod.volumes?.find((volume) => volume.name === 'nats-seed')?.secret;
      return [environmentOf(pod).ADCTL_NATS_IDENTITY, seed?.secretName, seed?.items];
    });

    const items = [{ key: 'seed', path: 'seed' }];
    expect(credentials).toEqual([
      ['worker', 'adctl-nats-worker', items],
      ['gpu-spot', 'spot-seed', items],
    ]);
  });

  test('workers of a release with another name are its own, and its network policy selects them', async () => {
    const manifests = await renderChart({ helm, release: 'lab', values: { ...LEAST_VALUES, pools: [POOL] } });
    const { podSelector } = findManifest(manifests, 'NetworkPolicy', 'worker').spec as {
      podSelector: { matchLabels: Record<string, string> };
    };

    expect(controllerConfigOf(manifests).kubernetes?.instance).toBe('lab');
    expect(workerJobsOf(manifests)[0]?.spec?.template.metadata?.labels).toMatchObject(podSelector.matchLabels);
    expect(podSelector.matchLabels).toMatchObject({ 'app.kubernetes.io/instance': 'lab' });
  });

  test.each([
    ['every switch on', { values: EVERYTHING, apiVersions: MONITORING }],
    ['an own NATS server', { values: OWN_NATS }],
    ...OVERLAY_NAMES.map((name) => [`overlay ${name}`, { files: [BASE_VALUES, overlayValues(name)] }] as const),
  ] as const)('with %s, every variable of adctl that pods get is one that their program reads', async (_what, how) => {
    const manifests = await renderChart({ helm, ...how });
    const controller = environmentOf(podOf(findManifest(manifests, 'Deployment')));

    expect(findUnread(controller, (variables) => readControllerConfig(manifests, variables))).toEqual([]);
    for (const job of workerJobsOf(manifests))
      expect(findUnread(environmentOf(workerPodOf(job)), parseWorkerConfig), job.metadata?.name).toEqual([]);
  });

  test('the Role holds exactly the rights that the controller lists, and the ClusterRoles are none', async () => {
    const manifests = await render(EVERYTHING, MONITORING);
    const { rules } = findManifest(manifests, 'Role') as unknown as {
      rules: readonly { apiGroups: string[]; resources: string[]; verbs: string[] }[];
    };
    const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((apiGroup) => resources.map((resource) => ({ apiGroup, resource, verbs }))),
    );

    expect(granted).toEqual(CONTROLLER_RIGHTS);
    expect(manifests.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([]);
  });

  test('no secret is in anything it renders: only names of Secrets', async () => {
    const manifests = await render(EVERYTHING, MONITORING);

    expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    const variables = podsOf(manifests).flatMap(([, pod]) => pod.containers.flatMap(({ env = [] }) => env));
    const open = variables.filter(({ name, value }) => /SECRET|PASSWORD|TOKEN|SEED/.test(name) && value !== undefined);
    expect(open.map(({ name }) => name)).toEqual(['ADCTL_NATS_NKEY_SEED_FILE']);
  });

  test('network policies leave controller and workers what they need, and nothing else', async () => {
    const manifests = await render(EVERYTHING, MONITORING);
    const policyOf = (role: string) =>
      findManifest(manifests, 'NetworkPolicy', role).spec as {
        policyTypes: string[];
        ingress: { ports: { port: number }[] }[];
        egress: { ports: { port: number }[] }[];
      };
    const ports = (rules: readonly { ports: { port: number }[] }[]) =>
      rules.map((rule) => rule.ports.map(({ port }) => port));

    expect(policyOf('controller').policyTypes).toEqual(['Ingress', 'Egress']);
    expect(ports(policyOf('controller').ingress)).toEqual([[9464]]);
    expect(ports(policyOf('controller').egress)).toEqual([[53, 53], [4222], [443], [443, 6443]]);
    expect(policyOf('worker').ingress).toEqual([]);
    expect(ports(policyOf('worker').egress)).toEqual([[53, 53], [4222], [443]]);
  });

  test('the own NATS server is reached by controllers, workers and those named, and by its like', async () => {
    const lab = { namespaceSelector: { matchLabels: { team: 'lab' } } };
    const policyOf = async (replicas: number) => {
      const nats = { ...OWN_NATS.nats, replicas };
      const manifests = await render({ ...OWN_NATS, nats, networkPolicy: { natsClients: [lab] } });
      const server = podTemplateOf(findManifest(manifests, 'StatefulSet', 'nats')).metadata?.labels;
      return { server, policy: findManifest(manifests, 'NetworkPolicy', 'nats').spec };
    };
    const { server, policy } = await policyOf(3);
    const name = 'app.kubernetes.io';
    const selects = (labels: object) => ({ podSelector: { matchLabels: labels } });
    const program = (component: string) =>
      selects({
        [`${name}/name`]: 'adctl',
        [`${name}/instance`]: 'adctl',
        [`${name}/component`]: component,
      });
    const among = [{ ports: [{ protocol: 'TCP', port: 6222 }], from: [selects(server ?? {})] }];
    const clients = { ports: [{ protocol: 'TCP', port: 4222 }], from: [program('controller'), program('worker'), lab] };

    expect(policy).toMatchObject({ ...selects(server ?? {}), policyTypes: ['Ingress', 'Egress'] });
    expect(policy).toMatchObject({ ingress: [clients, ...among] });
    expect((await policyOf(1)).policy).toMatchObject({ ingress: [clients], egress: [] });
  });

  test('dashboard and alerts ask only for metrics that the controller has', async () => {
    const manifests = await render(EVERYTHING, MONITORING);
    const dashboard = (findManifest(manifests, 'ConfigMap', 'dashboard').data as Record<string, string>)['adctl.json']!;
    const asked = [dashboard, JSON.stringify(findManifest(manifests, 'PrometheusRule'))].flatMap(
      (text) => text.match(/\badctl_[a-z_]+/g) ?? [],
    );
    const had: readonly string[] = readControllerSources().match(/\badctl_[a-z_]+/g) ?? [];

    expect(JSON.parse(dashboard)).toMatchObject({ title: 'adctl', panels: expect.any(Array) });
    expect(asked.length).toBeGreaterThan(10);
    expect(
      [...new Set(asked)].map((name) => name.replace(/_(bucket|sum)$/, '')).filter((name) => !had.includes(name)),
    ).toEqual([]);
  });

  test('without pools the controller gets no API token', async () => {
    const without = podOf(findManifest(await render(LEAST_VALUES), 'Deployment'));
    const withPools = podOf(findManifest(await render(EVERYTHING, MONITORING), 'Deployment'));

    expect([without.automountServiceAccountToken, withPools.automountServiceAccountToken]).toEqual([false, true]);
  });

  test('a change of the pools starts the controllers again', async () => {
    const checksum = async (max: number) => {
      const deployment = findManifest(await render({ ...LEAST_VALUES, pools: [{ ...POOL, max }] }), 'Deployment');
      const { template } = deployment.spec as { template: { metadata: { annotations: Record<string, string> } } };
      return template.metadata.annotations['checksum/pools'];
    };

    expect(await checksum(2)).not.toBe(await checksum(3));
    expect(await checksum(2)).toBe(await checksum(2));
  });

  test.each([
    [{ ...LEAST_VALUES, replica: 3 }, /replica/],
    [{ ...LEAST_VALUES, controller: { replicas: 'two' } }, /replicas/],
    [{ ...LEAST_VALUES, pools: [{ ...POOL, imagee: 'x' }] }, /imagee/],
    [{ ...LEAST_VALUES, pools: [{ ...POOL, resources: { limits: { cpu: 1 } } }] }, /cpu/],
    [{ ...LEAST_VALUES, messaging: {} }, /no NATS server: set messaging.url/],
    [{ ...LEAST_VALUES, messaging: { url: 'nats://me:pw@host' } }, /must not hold a user or password/],
    [{ ...LEAST_VALUES, nats: { enabled: true, authorization: 'x' } }, /exclude each other/],
    [{ ...LEAST_VALUES, messaging: {}, nats: { enabled: true } }, /nats.authorization is needed/],
    [
      { ...OWN_NATS, nats: { ...OWN_NATS.nats, routesSecret: {} } },
      /nats.routesSecret.name is needed above one replica/,
    ],
    [{ ...LEAST_VALUES, objectStore: {} }, /objectStore.bucket is needed/],
    [{ ...LEAST_VALUES, image: {} }, /image.repository is needed/],
    [{ ...LEAST_VALUES, image: { repository: 'x', tag: 'latest' } }, /must not be 'latest'/],
    [{ ...LEAST_VALUES, controller: { replicas: 1 } }, /must be below controller.replicas/],
    [{ ...LEAST_VALUES, dataRoots: ['/mnt/images'] }, /no volume of controller.volumes holds \/mnt\/images/],
    [
      { ...LEAST_VALUES, pools: [POOL], dataRoots: ['/mnt/images'], controller: { volumes: [IMAGES] } },
      /no volume of workers.volumes or of pool gpu holds \/mnt\/images/,
    ],
    [
      { ...LEAST_VALUES, controller: { volumes: [IMAGES] }, dataRoots: ['/mnt/images-of-others'] },
      /no volume of controller.volumes holds \/mnt\/images-of-others/,
    ],
    [{ ...LEAST_VALUES, dataRoots: ['mnt/images'] }, /dataRoots/],
    [{ ...LEAST_VALUES, controller: { volumes: [IMAGES] }, dataRoots: ['/mnt/images/../..'] }, /dataRoots/],
    [{ ...LEAST_VALUES, controller: { volumes: [{ ...IMAGES, source: { hostPath: { path: '/' } } }] } }, /hostPath/],
    [{ ...LEAST_VALUES, controller: { volumes: [{ ...IMAGES, source: {} }] } }, /minProperties|at least 1/i],
    [{ ...LEAST_VALUES, controller: { volumes: [{ ...IMAGES, mountpath: '/x' }] } }, /mountpath/],
    [{ ...EVERYTHING }, /install the Prometheus operator first/],
  ] as const)('refuses %j, and says why', async (values, reason) => {
    await expect(render(values)).rejects.toThrow(reason);
  });
});

/** The text of every source file of the controller but its tests. */
function readControllerSources(): string {
  const root = join(import.meta.dirname, '../../packages/controller/src');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.(test|fixtures)\.ts$/.test(file))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
}
