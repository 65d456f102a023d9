import { run, settings } from '@oclif/core';
import { exitCodeOf, failureOf, isExit, REPORT_HINT } from './failure-of.js';
import { renderFailure } from './render/failure.js';
import { createStyle, showsColors } from './render/style.js';

/**
 * Runs one command line. Never throws and, but for a command interrupted before it began, never calls `process.exit`: Node ends
 * the process once stdout is drained, with the exit code set here or by the command.
 *
 * @param argv words after `adctl`
 * @param url address of the bin file, from which oclif finds the package
 */
export async function main(argv: string[], url: string): Promise<void> {
  settings.enableAutoTranspile = false;
  process.stderr.on('error', ignoreBrokenPipe);
  try {
    await run(argv, url);
  } catch (error) {
    if (isExit(error)) {
      process.exitCode = error.oclif.exit ?? 0;
      return;
    }
    const failure = failureOf(error);
    process.exitCode = exitCodeOf(failure);
    if (argv.includes('--json')) {
      process.stdout.write(`${JSON.stringify({ error: failure }, null, 2)}\n`);
      return;
    }
    const style = createStyle(showsColors(process.stderr, argv.includes('--no-color')));
    process.stderr.write(`${renderFailure(failure, style, REPORT_HINT)}\n`);
  }
}

/** `adctl … 2>&1 | head` closes our stderr; oclif does the same for stdout. */
function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
