import type { Command } from '@oclif/core';
import { describe, expect, it } from 'vitest';
import { GLOBAL_FLAGS } from './flags.js';
import { loadCommands } from './testing/all-commands.fixtures.js';

const commands = await loadCommands();

/** What other people's scripts rely on. */
function describeFlag(flag: Command.Flag): Record<string, unknown> {
  const { char, env, required, exclusive } = flag;
  const facts = { char, env, required, exclusive, type: flag.type };
  if (flag.type === 'boolean') return facts;
  return { ...facts, options: flag.options, multiple: flag.multiple, default: flag.default };
}

const mapValues = <V, R>(values: Readonly<Record<string, V>>, map: (value: V) => R) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));

describe('commands', () => {
  it('keep their names, arguments, flags and variables', () => {
    const snapshot = Object.fromEntries(
      [...commands].map(([id, command]) => [
        id,
        {
          args: mapValues(command.args, (arg) => ({ required: arg.required ?? false })),
          flags: mapValues(command.flags ?? {}, describeFlag),
        },
      ]),
    );
    const global = mapValues(GLOBAL_FLAGS as Record<string, Command.Flag>, describeFlag);

    expect({ global, commands: snapshot }).toMatchSnapshot();
  });

  it.each([...commands])('%s says what it does, with an example and the shape of its answer', (_id, command) => {
    expect(command.summary).toMatch(/\.$/);
    expect(command.examples.length).toBeGreaterThan(0);
    expect(command.answer.safeParse(Symbol('no answer')).success).toBe(false);
  });

  it.each([...commands])('%s gives every flag a summary and a variable of its own name', (_id, command) => {
    for (const [name, flag] of Object.entries({ ...GLOBAL_FLAGS, ...command.flags })) {
      expect(flag.summary, name).toMatch(/\.$/);
      expect(flag.env, name).toBe(`ADCTL_${name.replaceAll('-', '_').toUpperCase()}`);
    }
  });

  it.each([...commands])('%s gives every switch a value also when it is not named', (_id, command) => {
    for (const [name, flag] of Object.entries(command.flags ?? {})) {
      if (flag.type === 'boolean') expect(flag.default, name).toBe(false);
    }
  });

  it.each([...commands])('%s describes every argument', (_id, command) => {
    for (const [name, arg] of Object.entries(command.args)) expect(arg.description, name).toMatch(/\.$/);
  });
});
