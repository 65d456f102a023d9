import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseEngineEnvironment } from './environment.js';
import { type Engine, loadEngine } from './load.js';
import { PROBE_ENTRY, parseProbeOutput } from './probe.js';
import { runSelfTest } from './self-test.js';

const { cacheDir } = parseEngineEnvironment(process.env);
const options = { flavour: 'cpu', threads: 1, cacheDir } as const;
let empty: string;

beforeAll(async () => {
  empty = await mkdtemp(join(tmpdir(), 'adctl-no-engine-'));
});

afterAll(() => rm(empty, { recursive: true }));

describe('loadEngine', () => {
  test('names the command that builds a missing engine', async () => {
    const attempt = loadEngine({ ...options, cacheDir: empty });

    await expect(attempt).rejects.toMatchObject({
      ...{ code: 'engine_missing', kind: 'user', hint: 'Build it with: npm run setup' },
    });
  });

  describe('with the engine that set-up built', () => {
    let engine: Engine;

    beforeAll(async () => {
      engine = await loadEngine(options);
    });

    test('runs on native TensorFlow with the threads asked for', () => {
      expect(engine.tf.getBackend()).toBe('tensorflow');
      expect(engine.info).toMatchObject({
        ...{ tensorflowVersion: '2.21.0', addonVersion: '4.22.0', flavour: 'cpu', isUsingGpu: false },
        ...{ threads: { intra: 1, inter: 1 } },
      });
    });

    test('passes its self-test and keeps no tensor', () => {
      const checks = runSelfTest(engine.tf);

      expect(checks.filter((check) => !check.passed)).toEqual([]);
      expect(checks).toHaveLength(5);
    });

    test('is the same TensorFlow.js that other modules import', async () => {
      const imported = await import('@tensorflow/tfjs');

      expect(imported.getBackend()).toBe('tensorflow');
      expect(imported.engine()).toBe(engine.tf.engine());
    });

    test('is loaded once, and refuses a second thread count in the same process', async () => {
      expect(await loadEngine(options)).toBe(engine);
      await expect(loadEngine({ ...options, threads: 2 })).rejects.toMatchObject({ code: 'engine_already_loaded' });
    });
  });
});

test('the probe reports the engine as JSON from a process of its own', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROBE_ENTRY, '--threads', '2']);

  expect(parseProbeOutput(stdout)).toMatchObject({ info: { threads: { intra: 2, inter: 1 }, isUsingGpu: false } });
});
