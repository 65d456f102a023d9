import { fileURLToPath } from 'node:url';
import { type Command, Config, settings } from '@oclif/core';
import { vi } from 'vitest';

/** What a command did when it was run in this process. */
export interface CommandRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a command class from its source, with stdout and stderr collected and the exit code kept from this process. */
export async function runCommand(command: typeof Command, argv: readonly string[]): Promise<CommandRun> {
  settings.enableAutoTranspile = false;
  const config = await Config.load(PACKAGE_ROOT);
  const runnable = command as typeof Command & { run(argv: string[], config: Config): Promise<unknown> };
  const stdout: string[] = [];
  const stderr: string[] = [];
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => stdout.push(String(text)) > 0),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => stderr.push(String(text)) > 0),
  ];
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await runnable.run([...argv], config);
    return { stdout: stdout.join(''), stderr: stderr.join(''), exitCode: Number(process.exitCode ?? 0) };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}
