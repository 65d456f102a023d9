import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildWorkerJob, CONTROLLER_RIGHTS, parsePools } from '@adctl/controller/kubernetes';
import { findNatsBinaries } from '@adctl/testkit';
import type { V1EnvVar, V1PodSpec } from '@kubernetes/client-node';
import { expect, test } from 'vitest';
import { makeNatsUsers } from '../../packages/cli/src/services/nats-users.js';
import { parseControllerConfig } from '../../packages/controller/src/config.js';
import { parseWorkerConfig } from '../../packages/worker/src/config.js';
import { BASE_VALUES, CHART, findManifest, LEAST_VALUES, OVERLAY_NAMES, overlayValues, renderChart } from './chart.js';
import { describeWithTools } from './describe-with-tools.js';
import { breaches } from './pod-security.js';
import { findProblems, type Manifest } from './strict-manifest.js';
import { createValuesSchema } from './values-schema.js';

const run = promisify(execFile);

const POOL = {
  name: 'gpu',
  image: 'registry.example/adctl-worker:1',
  max: 2,
  resources: { requests: { cpu: '1', memory: '4Gi' }, limits: { 'nvidia.com/gpu': '1' } },
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
  controller: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'a', operator: 'Exists' }], podLabels: { team: 'x' } },
  metrics: {
    serviceMonitor: { enabled: true },
    prometheusRule: { enabled: true },
    dashboard: { enabled: true },
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
    [
      'an own NATS server',
      {
        ...LEAST_VALUES,
        messaging: {},
        nats: { enabled: true, authorization: 'authorization {}', replicas: 3, tlsSecret: 'tls' },
      },
    ],
  ] as const)('with %s, every object is one that an API server accepts', async (_what, values) => {
    const manifests = await render(values, MONITORING);
    const own = manifests.filter(({ kind }) => !FOREIGN.includes(kind));

    expect(own.flatMap(findProblems)).toEqual([]);
    expect(own.length).toBeGreaterThanOrEqual(9);
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
    const { pools, ...shared } = parsePools(poolsFile(manifests), 'pools.yaml');
    const jobs = pools.map((pool) =>
      buildWorkerJob(
        pool,
        { name: 'gpu-1-1', kept: false },
        { namespace: 'adctl', instance: 'adctl', shared, owner: undefined },
      ),
    );

    expect(pods.map(([title]) => title)).toEqual(
      expect.arrayContaining(['Deployment adctl-controller', 'StatefulSet adctl-nats', 'Pod adctl-test-ready']),
    );
    for (const [title, pod] of pods) expect(breaches(pod), title).toEqual([]);
    for (const job of jobs) expect(breaches(job.spec!.template.spec!), job.metadata?.name).toEqual([]);
  });

  test('the controller and the workers understand the environment the chart gives them', async () => {
    const manifests = await render(EVERYTHING, MONITORING);
    const { pools, ...shared } = parsePools(poolsFile(manifests), 'pools.yaml');
    const [pool] = pools;
    const job = buildWorkerJob(
      pool!,
      { name: 'gpu-1-1', kept: false },
      { namespace: 'adctl', instance: 'adctl', shared, owner: undefined },
    );
    const controller = environmentOf(podOf(findManifest(manifests, 'Deployment')));
    const worker = environmentOf(job.spec!.template.spec!);

    const folder = mkdtempSync(join(tmpdir(), 'adctl-pools-'));
    const poolsPath = join(folder, 'pools.yaml');
    writeFileSync(poolsPath, poolsFile(manifests));

    expect(controller.ADCTL_POOLS_FILE).toBe('/etc/adctl/pools/pools.yaml');
    const config = parseControllerConfig({ ...controller, ADCTL_POOLS_FILE: poolsPath });
    rmSync(folder, { recursive: true });
    expect(config).toMatchObject({
      nats: { servers: ['tls://nats.example:4222'], tls: { caFile: '/etc/adctl/nats-ca/ca.crt' } },
      objects: { kind: 's3' },
    });
    expect(parseWorkerConfig(worker)).toMatchObject({ class: 'gpu', slots: 1, idleMs: 300_000 });
    expect(worker).toMatchObject({
      ADCTL_NATS_IDENTITY: 'worker',
      AWS_SECRET_ACCESS_KEY: 'secret objects/AWS_SECRET_ACCESS_KEY',
    });
  });

  test('nats-server accepts the configuration of the own server, with users made by the CLI', async () => {
    const { newest } = await findNatsBinaries();
    if ('missing' in newest) throw new Error(newest.missing);
    const folder = mkdtempSync(join(tmpdir(), 'adctl-nats-'));
    const { authorizationFile } = await makeNatsUsers({
      folder,
      classes: ['gpu24'],
      people: ['alice'],
      admins: ['carol'],
      namespace: undefined,
    });
    const authorization = readFileSync(authorizationFile, 'utf8');
    const manifests = await render({
      ...LEAST_VALUES,
      messaging: {},
      nats: { enabled: true, replicas: 3, authorization },
    });
    const config = (findManifest(manifests, 'ConfigMap', 'nats').data as Record<string, string>)['nats.conf']!;
    const file = join(folder, 'nats.conf');
    writeFileSync(file, config);

    const { stderr } = await run(newest.path, ['-t', '-c', file], { env: { POD_NAME: 'adctl-nats-0' } });

    expect(stderr).toMatch(/configuration file .* is valid/);
    rmSync(folder, { recursive: true });
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
    [{ ...LEAST_VALUES, objectStore: {} }, /objectStore.bucket is needed/],
    [{ ...LEAST_VALUES, image: {} }, /image.repository is needed/],
    [{ ...LEAST_VALUES, image: { repository: 'x', tag: 'latest' } }, /must not be 'latest'/],
    [{ ...LEAST_VALUES, controller: { replicas: 1 } }, /must be below controller.replicas/],
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

function podsOf(manifests: readonly Manifest[]): [title: string, pod: V1PodSpec][] {
  return manifests
    .filter(({ kind }) => ['Deployment', 'StatefulSet', 'Pod'].includes(kind))
    .map((one) => [`${one.kind} ${one.metadata.name}`, podOf(one)]);
}

function podOf({ kind, spec }: Manifest): V1PodSpec {
  return kind === 'Pod' ? (spec as V1PodSpec) : (spec as { template: { spec: V1PodSpec } }).template.spec;
}

function poolsFile(manifests: readonly Manifest[]): string {
  return (findManifest(manifests, 'ConfigMap', 'pools').data as Record<string, string>)['pools.yaml']!;
}

/** The first container's variables; references become words. */
function environmentOf({ containers: [container] }: V1PodSpec): Record<string, string> {
  return Object.fromEntries((container?.env ?? []).map((variable) => [variable.name, textOf(variable)]));
}

function textOf({ value, valueFrom }: V1EnvVar): string {
  const secret = valueFrom?.secretKeyRef;
  if (secret !== undefined) return `secret ${secret.name}/${secret.key}`;
  return value ?? 'from-the-pod';
}
