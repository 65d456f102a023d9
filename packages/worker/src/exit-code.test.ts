import { AdctlError, userError } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { exitCodeOf, isForAnotherVersion, isUnreachable } from './exit-code.js';

const transient = (code: string) => new AdctlError('later', { code, kind: 'transient' });

describe('exitCodeOf', () => {
  test.each([
    ['a GPU that is wanted and not seen', new AdctlError('no GPU', { code: 'gpu_not_seen', kind: 'permanent' }), 1, 77],
    ['an engine that is not there', userError('engine_missing', 'no engine'), 1, 78],
    ['a training process that died once', transient('trainer_start_failed'), 1, null],
    ['one that died again and again', transient('trainer_start_failed'), 5, 75],
    ['a bug, once', new TypeError('oops'), 4, null],
    ['a bug, again and again', new TypeError('oops'), 5, 75],
  ])('%s', (_what, error, trouble, code) => {
    expect(exitCodeOf(error, trouble)).toBe(code);
  });
});

test('a server that is away is no trouble of the worker’s own', () => {
  expect(isUnreachable(transient('controller_unreachable'))).toBe(true);
  expect(isUnreachable(transient('nats_not_prepared'))).toBe(true);
  expect(isUnreachable(transient('trainer_start_failed'))).toBe(false);
  expect(isUnreachable(new Error('controller_unreachable'))).toBe(false);
});

test('a message of another version is no trouble of the worker’s own either', () => {
  const stranger = new AdctlError('who is this', { code: 'queue_message_not_understood', kind: 'permanent' });

  expect(isForAnotherVersion(stranger)).toBe(true);
  expect(isForAnotherVersion(transient('trainer_start_failed'))).toBe(false);
});
