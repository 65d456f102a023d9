import type { AdctlError } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { EQUAL_OWNERS, parseOwnerPolicies } from './owner-policy.js';

describe('weights and quotas of owners', () => {
  test('named owners, everybody else, and what was not said', () => {
    const owners = parseOwnerPolicies('ann=2, bob=0.5', '*=16,ann=0');

    expect(owners.of('ann')).toEqual({ weight: 2, slots: 0 });
    expect(owners.of('bob')).toEqual({ weight: 0.5, slots: 16 });
    expect(owners.of('eve')).toEqual({ weight: 1, slots: 16 });
    expect(parseOwnerPolicies('', '').of('ann')).toEqual(EQUAL_OWNERS.of('ann'));
  });

  test.each([
    ['ann', ''],
    ['ann=', ''],
    ['ann=0', ''],
    ['ann=two', ''],
    ['ann=1,ann=2', ''],
    ['ann=1=2', ''],
    ['=1', ''],
    ['', 'ann=1.5'],
    ['', 'ann=-1'],
    ['', 'ann=Infinity'],
  ])('refuses %j and %j', (weights, quotas) => {
    expect(() => parseOwnerPolicies(weights, quotas)).toThrow(
      expect.objectContaining({ code: 'bad_owner_setting', kind: 'user' }) as AdctlError,
    );
  });
});
