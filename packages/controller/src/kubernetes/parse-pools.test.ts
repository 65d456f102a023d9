import { AdctlError } from '@adctl/protocol';
import { expect, it } from 'vitest';
import { parsePools } from './parse-pools.js';

const GPU_POOL = `pools:
  - name: gpu24
    image: registry.example/adctl-worker:0.1.0
    max: 4
    resources:
      requests: { cpu: "4", memory: 16Gi }
      limits: { memory: 16Gi, nvidia.com/gpu: "1" }
`;

function mistakesOf(text: string): readonly string[] {
  try {
    parsePools(text, 'pools.yaml');
  } catch (error) {
    if (error instanceof AdctlError && error.code === 'invalid_pools') return error.details.issues as string[];
    throw error;
  }
  return [];
}

it('fills in defaults: the class is the name, and nothing runs without trials', () => {
  const { pools } = parsePools(GPU_POOL, 'pools.yaml');

  expect(pools[0]).toMatchObject({
    class: 'gpu24',
    min: 0,
    max: 4,
    idleSeconds: 300,
    slotsPerWorker: 1,
    threads: 1,
    flavour: 'gpu',
    graceSeconds: 120,
    maxLifetimeSeconds: 86_400,
  });
});

it('gives spot pools less time to save a checkpoint', () => {
  const { pools } = parsePools(`${GPU_POOL}    spot: true\n`, 'pools.yaml');

  expect(pools[0]?.graceSeconds).toBe(25);
});

it('reads JSON, as an environment variable holds it', () => {
  const { pools } = parsePools(JSON.stringify({ pools: parsePools(GPU_POOL, 'a').pools }), 'ADCTL_POOLS');

  expect(pools[0]?.name).toBe('gpu24');
});

it('reports every mistake at once, with its place', () => {
  const mistakes = mistakesOf(`pools:
  - name: GPU
    image: worker
    max: 1
    min: 2
    replicas: 3
    resources: { limits: { nvidia.com/gpu: "0.5" } }
  - name: cpu
    image: worker:latest
    max: 1
    flavour: cpu
    threads: 0
    resources: { requests: { cpu: 4, memory: 1Gi } }
`);

  expect(mistakes).toEqual(
    expect.arrayContaining([
      'pools[0].name: must be a pool name: lower-case letters, digits and dashes',
      'pools[0]: Unrecognized key: "replicas"',
      'pools[1].threads: Too small: expected number to be >=1',
      'pools[1].resources.requests.cpu: must be a quantity in quotes, e.g. "1", "500m" or "16Gi"',
    ]),
  );
});

it.each([
  ['min above max', { min: 5 }, 'min: is 5, above max, which is 4'],
  ['a name that ends too early in a worker’s id', { name: 'gpu--spot' }, "must not hold '--'"],
  ['an image without a tag', { image: 'registry.example:5000/worker' }, 'image: has neither a tag nor a digest'],
  ['an image that moves', { image: 'worker:latest' }, "image: must not be 'latest'"],
  [
    'no CPU request, which a quota may count',
    { resources: { limits: { memory: '1Gi', 'nvidia.com/gpu': '1' } } },
    'resources.requests.cpu: must be given',
  ],
  [
    'a share of a GPU',
    { resources: { limits: { cpu: '1', memory: '1Gi', 'nvidia.com/gpu': '0.5' } } },
    'resources.limits.nvidia.com/gpu: must be a whole number, not 0.5',
  ],
  [
    'a GPU requested but not limited',
    { resources: { requests: { cpu: '1', memory: '1Gi', 'nvidia.com/gpu': '1' } } },
    'resources.limits.nvidia.com/gpu: must be given where it is requested',
  ],
  [
    'a request that is not its limit',
    { resources: { requests: { cpu: '1', memory: '1Gi', 'nvidia.com/gpu': '1' }, limits: { 'nvidia.com/gpu': '2' } } },
    'resources.requests.nvidia.com/gpu: must equal its limit, 2',
  ],
  [
    'a GPU pool without GPU',
    { resources: { requests: { cpu: '1', memory: '1Gi' } } },
    'resources.limits: ask for no GPU, but flavour is gpu',
  ],
  ['a CPU pool with a GPU', { flavour: 'cpu' }, 'flavour: is cpu, but resources ask for a GPU'],
  ['a secret in plain sight', { env: [{ name: 'AWS_SECRET_ACCESS_KEY', value: 'x' }] }, 'looks like a secret'],
  ['a variable of the controller', { env: [{ name: 'ADCTL_SLOTS', value: '2' }] }, 'it follows from slotsPerWorker'],
  ['a variable without value', { env: [{ name: 'A' }] }, 'needs either a value or one reference'],
  [
    'a variable twice',
    {
      env: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    },
    'A stands there twice',
  ],
  [
    'a volume that Pod Security refuses',
    { volumes: [{ name: 'cache', mountPath: '/cache', source: { hostPath: { path: '/' } } }] },
    'hostPath is refused by the restricted Pod Security profile',
  ],
  [
    'a mount in the way of an own one',
    { volumes: [{ name: 'cache', mountPath: '/data', source: { emptyDir: {} } }] },
    '/data is mounted twice',
  ],
])('refuses %s', (_, keys, mistake) => {
  const [pool] = parsePools(GPU_POOL, 'pools.yaml').pools;

  expect(mistakesOf(JSON.stringify({ pools: [{ ...pool, ...keys }] })).join('\n')).toContain(`pools[0].`);
  expect(mistakesOf(JSON.stringify({ pools: [{ ...pool, ...keys }] })).join('\n')).toContain(mistake);
});

it('takes devices by claim instead of by count', () => {
  const [pool] = parsePools(GPU_POOL, 'pools.yaml').pools;
  const claims = { resources: { requests: { cpu: '1', memory: '1Gi' } }, resourceClaims: [{ name: 'gpu' }] };

  expect(mistakesOf(JSON.stringify({ pools: [{ ...pool, ...claims }] }))).toEqual([]);
});

it('refuses two pools of one name, and a shared volume that a pool names again', () => {
  const [pool] = parsePools(GPU_POOL, 'pools.yaml').pools;
  const volume = { name: 'ca', mountPath: '/etc/ca', source: { configMap: { name: 'ca' } } };

  const mistakes = mistakesOf(JSON.stringify({ volumes: [volume], pools: [pool, { ...pool, volumes: [volume] }] }));

  expect(mistakes).toContain("pools[1].name: 'gpu24' is the name of another pool");
  expect(mistakes.join('\n')).toContain('the volume ca is there twice');
});

it('says where text is no YAML', () => {
  expect(mistakesOf('pools: [').join()).toMatch(/line 1/);
});
