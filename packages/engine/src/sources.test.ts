import { describe, expect, test } from 'vitest';
import type { EngineManifest } from './cache.js';
import { parseEngineEnvironment } from './environment.js';
import { isCurrent, planSources } from './sources.js';

const manifest: EngineManifest = {
  recipe: 2,
  tensorflowVersion: '2.21.0',
  addonVersion: '4.22.0',
  flavour: 'cpu',
  platform: 'linux-x64',
  source: { kind: 'wheel', file: 'a.whl', sha256: '00' },
  compiler: 'g++',
  builtAt: '2026-01-01T00:00:00.000Z',
  files: [{ path: 'tfjs_binding.node', bytes: 1, sha256: '00' }],
};
const cached = { directory: '/cache/engine/x', manifest };
const fromFolder: EngineManifest = { ...manifest, source: { kind: 'folder', path: '/opt/tensorflow' } };
const plain = parseEngineEnvironment({}, '/h');
const named = parseEngineEnvironment({ ADCTL_TENSORFLOW_DIR: '/opt/tensorflow' }, '/h');
const stock = parseEngineEnvironment({ ADCTL_TENSORFLOW_STOCK: '1' }, '/h');

describe('planSources', () => {
  test('uses only the folder that the user named', () => {
    const plans = planSources({ environment: named, flavour: 'cpu', platform: 'linux-x64', cached });

    expect(plans).toEqual([{ kind: 'folder', path: '/opt/tensorflow' }]);
  });

  test('tries the cache, then the wheel, then the stock download where it is allowed', () => {
    const plans = planSources({ environment: stock, flavour: 'cpu', platform: 'linux-x64', cached });

    expect(plans.map((plan) => plan.kind)).toEqual(['cache', 'wheel', 'stock']);
  });

  test('leaves the stock download out unless it was asked for', () => {
    const plans = planSources({ environment: plain, flavour: 'cpu', platform: 'linux-x64' });

    expect(plans.map((plan) => plan.kind)).toEqual(['wheel']);
  });

  test('does not take libraries from a folder that is no longer named', () => {
    const plans = planSources({
      ...{ environment: plain, flavour: 'cpu', platform: 'linux-x64' },
      cached: { directory: '/c', manifest: fromFolder },
    });

    expect(plans.map((plan) => plan.kind)).toEqual(['wheel']);
  });

  test('asks for the CUDA wheels with the GPU wheel only', () => {
    const wheels = (['cpu', 'gpu'] as const).map((flavour) => {
      const [plan] = planSources({ environment: plain, flavour, platform: 'linux-x64' });
      return plan?.kind === 'wheel' ? [plan.wheel.distribution, plan.wheel.withCuda] : plan;
    });

    expect(wheels).toEqual([
      ['tensorflow-cpu', false],
      ['tensorflow', true],
    ]);
  });

  test.each([
    ['gpu', 'linux-arm64'],
    ['cpu', 'win32-x64'],
  ] as const)('has nothing for %s on %s', (flavour, platform) => {
    expect(planSources({ environment: stock, flavour, platform })).toEqual([]);
  });
});

describe('isCurrent', () => {
  test('keeps what is there when no folder is named', () => {
    expect(isCurrent(manifest, plain)).toBe(true);
    expect(isCurrent(fromFolder, plain)).toBe(true);
  });

  test('asks for a new build when another folder is named', () => {
    expect(isCurrent(fromFolder, named)).toBe(true);
    expect(isCurrent(manifest, named)).toBe(false);
    expect(isCurrent(fromFolder, { ...named, tensorflowDir: '/opt/other' })).toBe(false);
  });
});
