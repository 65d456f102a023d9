import { expect, test } from 'vitest';
import { skippedOf } from '../../scripts/lib/test-steps.mjs';

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
