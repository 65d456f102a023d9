import { mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BuildOptions, buildEngine } from './build.js';
import { describeFile, type EngineManifest, engineDirectory, engineRoot, MANIFEST_FILE } from './cache.js';
import { readEngineStatus } from './engine-status.js';
import { brokenCompiler, fakeCompiler, fakeProbe, fakeTensorflow, temporaryFolder } from './fake-tools.fixtures.js';

let folder: string;
let options: BuildOptions;
let lines: string[];

beforeEach(async () => {
  folder = await temporaryFolder();
  lines = [];
  options = {
    environment: {
      cacheDir: join(folder, 'cache'),
      tensorflowDir: await fakeTensorflow(folder),
      allowStockDownload: false,
      stockBaseUri: 'http://localhost:1/',
      python: join(folder, 'no-python'),
      compiler: await fakeCompiler(folder),
    },
    flavour: 'cpu',
    probeEntry: await fakeProbe(folder, 'passes'),
    report: (line) => lines.push(line),
  };
});

afterEach(() => rm(folder, { recursive: true }));

const buildCount = async () => (await readdir(join(engineRoot(options.environment.cacheDir), 'builds'))).length;
const withEnvironment = (changes: Partial<BuildOptions['environment']>, force = true): BuildOptions => {
  return { ...options, force, environment: { ...options.environment, ...changes } };
};

describe('buildEngine', () => {
  test('builds from a named folder, records every file, and does nothing the second time', async () => {
    const first = await buildEngine(options);
    const second = await buildEngine(options);

    expect(first).toMatchObject({ built: true, manifest: { tensorflowVersion: '2.21.0', compiler: 'fake++ 1.0' } });
    expect(first.manifest.source).toEqual({ kind: 'folder', path: options.environment.tensorflowDir });
    expect(first.manifest.files.map((file) => file.path.split('/').at(-1))).toEqual([
      'tfjs_binding.node',
      'libtensorflow_cc.so.2',
      'libtensorflow_framework.so.2',
    ]);
    expect(second).toEqual({ ...first, built: false });
  });

  test('compiles once, against the folder’s headers, with the folder as run-time path', async () => {
    const { path } = await buildEngine(options);

    const command = await readFile(join(path, 'tfjs_binding.node'), 'utf8');
    expect(command).toContain('-std=c++17');
    expect(command).toContain(`-I ${options.environment.tensorflowDir}/include`);
    expect(command).toContain(`-Wl,-rpath,${options.environment.tensorflowDir} `);
  });

  test('brings along the CUDA library that TensorFlow does not find by itself', async () => {
    const cusolver = join(folder, 'nvidia/cusolver/lib');
    await mkdir(cusolver, { recursive: true });
    await writeFile(join(cusolver, 'libcusolver.so.11'), '');
    await writeFile(join(cusolver, 'libcusolverMg.so.11'), '');

    const { path } = await buildEngine(options);

    const command = await readFile(join(path, 'tfjs_binding.node'), 'utf8');
    expect(command).toContain(` ${cusolver}/libcusolver.so.11`);
    expect(command).toContain(`-Wl,-rpath,${options.environment.tensorflowDir}:${cusolver} `);
    expect(command).not.toContain('libcusolverMg');
  });

  test('leaves the previous engine working when the compiler fails', async () => {
    const before = await buildEngine(options);

    const attempt = buildEngine(withEnvironment({ compiler: await brokenCompiler(folder) }));

    await expect(attempt).rejects.toMatchObject({
      code: 'compile_failed',
      message: expect.stringContaining('error: no'),
    });
    expect(await readEngineStatus(options.environment.cacheDir, 'cpu', 'digests')).toMatchObject({
      state: 'ready',
      manifest: before.manifest,
    });
    expect(await buildCount()).toBe(1);
  });

  test('leaves the previous engine working when the new one fails its self-test', async () => {
    const before = await buildEngine(options);

    const attempt = buildEngine({ ...options, force: true, probeEntry: await fakeProbe(folder, 'fails') });

    await expect(attempt).rejects.toMatchObject({
      code: 'self_test_failed',
      message: expect.stringContaining('SIGILL'),
    });
    expect((await readEngineStatus(options.environment.cacheDir, 'cpu')).manifest).toEqual(before.manifest);
  });

  test('replaces the previous engine and removes it', async () => {
    await buildEngine(options);
    const target = engineDirectory(options.environment.cacheDir, 'cpu');
    const before = await readlink(target);

    await buildEngine({ ...options, force: true });

    expect(await readlink(target)).not.toBe(before);
    expect(await buildCount()).toBe(1);
  });

  test('builds again when a file in the cache was changed', async () => {
    const { path } = await buildEngine(options);
    const addon = join(path, 'tfjs_binding.node');
    const text = await readFile(addon, 'utf8');
    await writeFile(addon, text.replace('c++17', 'c++18'));

    const again = await buildEngine(options);

    expect(again.built).toBe(true);
    expect(lines.join('\n')).toContain('the engine in the cache is damaged: tfjs_binding.node has sha256');
    expect(await readFile(addon, 'utf8')).toContain('c++17');
  });

  test('survives two builds at once', async () => {
    const both = await Promise.all([buildEngine(options), buildEngine(options)]);

    expect(both.map((outcome) => outcome.built)).toEqual([true, true]);
    expect((await readEngineStatus(options.environment.cacheDir, 'cpu', 'digests')).state).toBe('ready');
  });

  test('says which compiler is missing and how to get one', async () => {
    const attempt = buildEngine(withEnvironment({ compiler: 'no-such-compiler' }));

    await expect(attempt).rejects.toMatchObject({
      ...{ code: 'compiler_missing', kind: 'user' },
      ...{ message: expect.stringContaining('no-such-compiler'), hint: expect.stringContaining('apt-get install g++') },
    });
  });

  test('says that pip is missing when the wheel is needed', async () => {
    const { tensorflowDir: _, ...environment } = options.environment;

    await expect(buildEngine({ ...options, environment })).rejects.toMatchObject({ code: 'pip_missing', kind: 'user' });
    expect(await buildCount()).toBe(0);
  });

  test('names the functions that a TensorFlow library lacks, before compiling', async () => {
    const tensorflowDir = await fakeTensorflow(folder, 'TFE_Execute');

    const attempt = buildEngine(withEnvironment({ tensorflowDir }));

    await expect(attempt).rejects.toMatchObject({ code: 'libraries_unusable', details: { missing: ['TFE_Execute'] } });
    expect(lines.join('\n')).not.toContain('compiling');
  });

  test('says what a folder without TensorFlow should hold', async () => {
    const attempt = buildEngine(withEnvironment({ tensorflowDir: join(folder, 'empty') }));

    await expect(attempt).rejects.toMatchObject({
      ...{
        code: 'libraries_unusable',
        message: expect.stringContaining('libtensorflow_cc.so.2 or lib/libtensorflow.so.2'),
      },
    });
  });

  test('rebuilds from the libraries in the cache, without Python or network', async () => {
    await placeWheelEngine();
    const { tensorflowDir: _, ...environment } = options.environment;

    const outcome = await buildEngine({ ...options, environment, force: true });

    expect(outcome.built).toBe(true);
    expect(outcome.manifest.source).toEqual({ kind: 'wheel', file: 'a.whl', sha256: '00' });
    expect(lines).toContain('using the TensorFlow libraries in the cache');
    expect(await readFile(join(outcome.path, 'tfjs_binding.node'), 'utf8')).toContain('-rpath,$ORIGIN/tensorflow');
    expect((await readEngineStatus(environment.cacheDir, 'cpu', 'digests')).state).toBe('ready');
  });
});

/** An engine as an earlier set-up would have left it, libraries inside. */
async function placeWheelEngine(): Promise<void> {
  const { cacheDir } = options.environment;
  const build = join(engineRoot(cacheDir), 'builds', 'earlier');
  await mkdir(build, { recursive: true });
  const libraries = await fakeTensorflow(build);
  await writeFile(join(build, 'tfjs_binding.node'), 'old addon');
  const paths = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'include/tensorflow/c/eager/c_api.h'];
  const files = [...paths.map((path) => `tensorflow/${path}`), 'tfjs_binding.node'];
  const manifest: EngineManifest = {
    ...{ recipe: 2, tensorflowVersion: '2.21.0', addonVersion: '4.22.0', flavour: 'cpu', platform: 'linux-x64' },
    ...{ source: { kind: 'wheel', file: 'a.whl', sha256: '00' }, compiler: 'g++', builtAt: '2026-01-01T00:00:00.000Z' },
    files: await Promise.all(files.map((path) => describeFile(build, path))),
  };
  expect(libraries).toBe(join(build, 'tensorflow'));
  await writeFile(join(build, MANIFEST_FILE), JSON.stringify(manifest));
  await symlink('builds/earlier', engineDirectory(cacheDir, 'cpu'));
}
