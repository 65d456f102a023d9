import { describe, expect, test } from 'vitest';
import { parseEngineEnvironment } from './environment.js';

describe('parseEngineEnvironment', () => {
  test('keeps the cache below the home folder when nothing is set', () => {
    const environment = parseEngineEnvironment({}, '/home/ada');

    expect(environment).toMatchObject({ cacheDir: '/home/ada/.cache/adctl', python: 'python3', compiler: 'g++' });
    expect(environment).not.toHaveProperty('tensorflowDir');
    expect(environment.allowStockDownload).toBe(false);
  });

  test('prefers ADCTL_CACHE_DIR to XDG_CACHE_HOME, and both to the home folder', () => {
    expect(parseEngineEnvironment({ XDG_CACHE_HOME: '/x' }, '/home/ada').cacheDir).toBe('/x/adctl');
    expect(parseEngineEnvironment({ XDG_CACHE_HOME: '/x', ADCTL_CACHE_DIR: '/big/' }, '/h').cacheDir).toBe('/big');
  });

  test('treats an empty variable as unset', () => {
    const environment = parseEngineEnvironment({ ADCTL_CACHE_DIR: '', CXX: '', ADCTL_TENSORFLOW_DIR: '' }, '/h');

    expect(environment).toMatchObject({ cacheDir: '/h/.cache/adctl', compiler: 'g++' });
    expect(environment).not.toHaveProperty('tensorflowDir');
  });

  test('refuses a value that is not one of the switch positions', () => {
    expect(() => parseEngineEnvironment({ ADCTL_TENSORFLOW_STOCK: 'perhaps' }, '/h')).toThrow(/ADCTL_TENSORFLOW_STOCK/);
  });
});
