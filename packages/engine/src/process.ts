import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { isMissing } from './cache.js';

/** How a program ended. `output` holds the last lines of both streams, for error messages. */
export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly output: string;
}

export interface ProgramOptions {
  /** Keeps a line of standard output; default all. For programs that print far more than we want to hold. */
  readonly keep?: (line: string) => boolean;
}

const OUTPUT_LINES = 20;

/**
 * Runs a program to its end.
 *
 * @returns undefined when the program does not exist
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult | undefined> {
  const keep = options.keep ?? (() => true);
  const kept: string[] = [];
  const last: string[] = [];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  const remember = (line: string) => {
    last.push(line);
    if (last.length > OUTPUT_LINES) last.shift();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!keep(line)) return;
    kept.push(line);
    remember(line);
  });
  createInterface({ input: child.stderr }).on('line', remember);
  try {
    const [code] = await closed;
    return { code: typeof code === 'number' ? code : 1, stdout: kept.join('\n'), output: last.join('\n') };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
