import { describe, expect, test } from 'vitest';
import { AdctlError, userError } from './errors.js';
import { Failure, fromFailure, toFailure } from './failure.js';

describe('failure on the wire', () => {
  test('keeps code, kind, hint, details and the cause chain through JSON and back', () => {
    const cause = new AdctlError('disk full', { code: 'storage_full', kind: 'transient' });
    const error = userError('bad_file', 'cannot read it', { hint: 'Give another.', details: { file: 'a.png' }, cause });

    const back = fromFailure(Failure.parse(JSON.parse(JSON.stringify(toFailure(error)))));

    expect(back).toMatchObject({ code: 'bad_file', kind: 'user', hint: 'Give another.', details: { file: 'a.png' } });
    expect(back.cause).toMatchObject({ code: 'storage_full', kind: 'transient', message: 'disk full' });
  });

  test('anything unexpected is a bug with its stack; an expected error carries none', () => {
    expect(toFailure(new TypeError('x is undefined'))).toMatchObject({ kind: 'bug', code: 'unexpected' });
    expect(toFailure(new TypeError('x')).stack).toContain('TypeError');
    expect(toFailure('just text')).toMatchObject({ kind: 'bug', message: 'just text' });
    expect(toFailure(userError('a', 'b')).stack).toBeUndefined();
  });
});
