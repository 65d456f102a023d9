import { AdctlError, toFailure, userError } from '@adctl/protocol';
import { Errors } from '@oclif/core';
import { describe, expect, it } from 'vitest';
import { exitCodeOf, failureOf } from '../failure-of.js';
import { renderFailure } from './failure.js';
import { PLAIN } from './style.js';

const render = (error: unknown) => renderFailure(toFailure(error), PLAIN, 'Please report it.');

describe('renderFailure', () => {
  it('shows message and hint of a user error, and no stack', () => {
    const error = userError('unknown_method', "there is no method 'ocgn'", { hint: "Did you mean 'ocgan'?" });

    expect(render(error)).toBe("Error: there is no method 'ocgn'\nHint: Did you mean 'ocgan'?");
  });

  it('shows a cause that says something new', () => {
    const cause = new Error('connect ECONNREFUSED');
    const error = new AdctlError('The controller does not answer.', { code: 'x', kind: 'transient', cause });

    expect(render(error)).toBe('Try again later: The controller does not answer.\n  because: connect ECONNREFUSED');
  });

  it('shows the stack of a bug and where to report it', () => {
    const text = render(new TypeError('x is not a function'));

    expect(text).toMatch(/^Bug: x is not a function\n\s+at /);
    expect(text).toContain('Please report it.');
  });
});

it.each([
  [userError('a', 'b'), 2],
  [new AdctlError('b', { code: 'a', kind: 'transient' }), 75],
  [new AdctlError('b', { code: 'a', kind: 'permanent' }), 1],
  [new Error('b'), 70],
  [new Errors.CLIError('Nonexistent flag: --jsn'), 2],
])('%s ends the command with %d', (error, exitCode) => {
  expect(exitCodeOf(failureOf(error))).toBe(exitCode);
});
