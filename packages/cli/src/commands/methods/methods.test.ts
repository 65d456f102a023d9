import { describe, expect, it } from 'vitest';
import { MethodShowAnswer } from '../../answers/methods.js';
import { runCommand } from '../../testing/run-command.fixtures.js';
import MethodsList from './list.js';
import MethodsShow from './show.js';

describe('adctl methods', () => {
  it('lists every method', async () => {
    const { stdout, exitCode } = await runCommand(MethodsList, []);

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^METHOD {2}/);
    expect(stdout).toContain('ocgan');
  });

  it('shows networks whose layers add up to the parameters told', async () => {
    const { stdout } = await runCommand(MethodsShow, ['ocgan', '--input', '32x32x1', '--json']);
    const method = MethodShowAnswer.parse(JSON.parse(stdout));

    const layers = method.networks.flatMap((network) => network.layers);
    expect(layers.reduce((sum, layer) => sum + layer.trainable, 0)).toBe(method.parameters.trainable);
    expect(method.parameters.trainable).toBeGreaterThan(100_000);
  });

  it('says why a method cannot take a size', async () => {
    const { stdout } = await runCommand(MethodsShow, ['ocgan', '--input', '64x64x3']);

    expect(stdout).toContain('Refused for 64x64x3');
  });

  it.each([
    [['ocgn'], 'unknown_method'],
    [['ocgan', '--input', '28x28x2'], 'bad_input_shape'],
    [['ocgan', '--preset', 'fast'], 'bad_usage'],
  ])('%j is bad input: exit 2 and a Failure on stdout with --json', async (argv, code) => {
    const { stdout, stderr, exitCode } = await runCommand(MethodsShow, [...argv, '--json']);

    expect(exitCode).toBe(2);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ error: { code, kind: 'user' } });
  });

  it('tells an error as message and hint on stderr, with nothing on stdout', async () => {
    const { stdout, stderr } = await runCommand(MethodsShow, ['ocgn']);

    expect(stdout).toBe('');
    expect(stderr).toBe("Error: there is no method 'ocgn'\nHint: Did you mean 'ocgan'?\n");
  });
});
