import type { ProbeReport } from '@adctl/engine/status';
import { describe, expect, it } from 'vitest';
import { renderDoctor } from '../render/doctor.js';
import { PLAIN } from '../render/style.js';
import { diagnose, type Surroundings } from './doctor.js';

const REPORT: ProbeReport = {
  info: {
    tensorflowVersion: '2.21.0',
    addonVersion: '4.22.0',
    flavour: 'cpu',
    isUsingGpu: false,
    threads: { intra: 2, inter: 2 },
    path: '/cache/engine/2.21.0-cpu',
  },
  selfTest: [{ name: 'matmul', passed: true, detail: 'exact' }],
  elapsedMs: 400,
};
const SILENT = { code: 0, stdout: '', stderr: '' };
const VERSIONS: Readonly<Record<string, string>> = {
  npm: '11.19.1\n',
  python3: 'pip 24.0 from /usr/lib/python3 (python 3.12)\n',
  'g++': 'g++ (Debian) 12.2.0\nmore\n',
};

function buildSurroundings(changes: Partial<Surroundings> = {}): Surroundings {
  return {
    adctl: '0.1.0',
    node: '24.21.0',
    flavour: 'cpu',
    python: 'python3',
    compiler: 'g++',
    cacheDir: '/cache',
    directory: '/sweeps/.adctl',
    run: async (command) => ({ code: 0, stdout: VERSIONS[command] ?? '', stderr: '' }),
    engineStatus: async () => ({ flavour: 'cpu', path: '/cache/engine/2.21.0-cpu', state: 'ready', problems: [] }),
    probe: async () => ({ report: REPORT, output: SILENT }),
    freeBytes: async () => 50e9,
    isWritable: async () => true,
    controllerPid: async () => undefined,
    fetchedDatasets: async () => ['mnist'],
    ...changes,
  };
}

const statusOf = async (name: string, changes: Partial<Surroundings>) =>
  (await diagnose(buildSurroundings(changes))).checks.find((check) => check.name === name);

describe('diagnose', () => {
  it('finds a whole machine in order, and tells the engine in use', async () => {
    const answer = await diagnose(buildSurroundings());

    expect(renderDoctor(answer, PLAIN)).toMatchInlineSnapshot(`
      "adctl 0.1.0
      ok    node        Node.js 24.21.0
      ok    npm         npm 11.19.1
      ok    python      pip 24.0
      ok    compiler    g++ (Debian) 12.2.0
      ok    engine      TensorFlow 2.21.0, CPU, 2 threads, /cache/engine/2.21.0-cpu
      ok    cache       /cache
      ok    disk        50.0 GB free for /sweeps/.adctl
      ok    datasets    in the cache: mnist
      ok    controller  none runs in /sweeps/.adctl; sweep and dev start one"
    `);
    expect(answer.engine).toEqual({
      tensorflow: '2.21.0',
      flavour: 'cpu',
      gpu: false,
      threads: { intra: 2, inter: 2 },
      path: '/cache/engine/2.21.0-cpu',
    });
  });

  it('names the command that builds a missing engine, without probing it', async () => {
    const probe = async () => Promise.reject(new Error('must not be probed'));
    const missing = { flavour: 'cpu', path: '/cache/x', state: 'missing', problems: [] } as const;

    expect(await statusOf('engine', { engineStatus: async () => missing, probe })).toEqual({
      name: 'engine',
      status: 'fail',
      message: 'not built (/cache/x)',
      mend: 'npm run setup',
    });
  });

  it('fails when the engine crashes, or when its numbers are wrong', async () => {
    const crashed = { report: undefined, output: { code: 1, stdout: '', stderr: 'Illegal instruction\n' } };
    const wrong = { ...REPORT, selfTest: [{ name: 'matmul', passed: false, detail: 'got 3, expected 4' }] };

    expect(await statusOf('engine', { probe: async () => crashed })).toMatchObject({
      status: 'fail',
      message: 'does not load: Illegal instruction',
    });
    expect(await statusOf('engine', { probe: async () => ({ report: wrong, output: SILENT }) })).toMatchObject({
      status: 'fail',
      message: 'fails its self-test: matmul, got 3, expected 4',
    });
  });

  it('fails a GPU engine that sees no GPU', async () => {
    const report: ProbeReport = { ...REPORT, info: { ...REPORT.info, flavour: 'gpu' } };

    expect(await statusOf('engine', { flavour: 'gpu', probe: async () => ({ report, output: SILENT }) })).toMatchObject(
      {
        status: 'fail',
        message: expect.stringContaining('no GPU is seen'),
      },
    );
  });

  it('misses the compiler only as long as the engine is not built', async () => {
    const run: Surroundings['run'] = async (command) =>
      command === 'g++' ? { code: null, stdout: '', stderr: 'ENOENT' } : SILENT;
    const missing = { flavour: 'cpu', path: '/cache/x', state: 'missing', problems: [] } as const;

    expect(await statusOf('compiler', { run })).toMatchObject({ status: 'warn' });
    expect(await statusOf('compiler', { run, engineStatus: async () => missing })).toMatchObject({ status: 'fail' });
  });

  it('warns of little space, an old Node and an empty cache', async () => {
    expect(await statusOf('disk', { freeBytes: async () => 1e9 })).toMatchObject({ status: 'warn' });
    expect(await statusOf('node', { node: '22.12.0' })).toMatchObject({ status: 'warn' });
    expect(await statusOf('datasets', { fetchedDatasets: async () => [] })).toMatchObject({
      mend: 'adctl datasets fetch mnist',
    });
  });
});
