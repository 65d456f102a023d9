import { expect, test } from 'vitest';
import { failedOf, skippedOf } from '../../scripts/lib/vitest-report.mjs';

const result = (status: string, title: string, ...ancestorTitles: string[]) => ({ status, title, ancestorTitles });

test('what was skipped is named, a suite in one line', () => {
  const report = {
    testResults: [
      {
        assertionResults: [
          result('passed', 'answers', 'a real API server'),
          result('pending', 'creates', 'a real API server'),
          result('skipped', 'lists', 'a real API server'),
          result('todo', 'moto: no Python here', 'stores', 'moto'),
        ],
      },
      { assertionResults: [result('pending', 'an endpoint of yours: ADCTL_TEST_S3_ENDPOINT is unset')] },
    ],
  };

  expect(skippedOf(report)).toEqual([
    'a real API server: 2 tests',
    'stores: moto: no Python here',
    'an endpoint of yours: ADCTL_TEST_S3_ENDPOINT is unset',
  ]);
});

test('what failed is named with its file, its titles and the beginning of its message, without colours', () => {
  const long = Array.from({ length: 40 }, (_, line) => `line ${line}`).join('\n');
  const failed = {
    ...result('failed', 'counts', 'a window'),
    failureMessages: ['\u001b[31mexpected 2\u001b[39m\n\nto be 3', long],
  };
  const report = {
    testResults: [
      {
        name: '/repo/packages/a/a.test.ts',
        status: 'failed',
        assertionResults: [result('passed', 'fills', 'a window'), failed],
      },
      { name: '/repo/packages/b/b.test.ts', status: 'failed', message: "Cannot find './c.ts'", assertionResults: [] },
    ],
  };

  const [test, file, ...others] = failedOf(report, '/repo');

  expect(others).toEqual([]);
  expect(test).toMatch(/^packages\/a\/a\.test\.ts > a window > counts\n {6}expected 2\n {6}to be 3\n {6}line 0\n/);
  expect(test).toMatch(/line 17$/);
  expect(file).toBe("packages/b/b.test.ts\n      Cannot find './c.ts'");
});
