import { expect, test } from 'vitest';
import { natsApiError } from '../errors.js';
import { isInterruption, mendsItself } from './jetstream-codes.js';

test.each([
  ['no leader', { code: 503, err_code: 10008, description: 'JetStream system temporarily unavailable' }, true],
  ['a consumer on a server that died', { code: 500, err_code: 10119, description: 'consumer is offline' }, true],
  ['a stream on a server that died', { code: 500, err_code: 10118, description: 'stream is offline' }, true],
  ['a failure of the server', { code: 500, err_code: 10001, description: 'general error' }, false],
  ['fewer servers than copies', { code: 400, err_code: 10005, description: 'no suitable peers for placement' }, true],
  ['copies without a cluster', { code: 500, err_code: 10074, description: 'replicas > 1 not supported' }, false],
])('%s: %o: tried again: %s', (_what, error, isTriedAgain) => {
  expect(isInterruption(natsApiError('STREAM.INFO.X', error, { mendsItself: mendsItself(error) }))).toBe(isTriedAgain);
});
