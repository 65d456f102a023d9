import { spawn } from 'node:child_process';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const BIN = join(ROOT, 'node_modules', '.bin');

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** Our programs on the pinned Node, and nobody phoning home. */
export function toolEnvironment() {
  return {
    ...process.env,
    PATH: [BIN, process.env.PATH ?? ''].join(delimiter),
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
    NO_UPDATE_NOTIFIER: '1',
    npm_config_update_notifier: 'false',
  };
}

/** npm must run on the Node that was there before: `npm ci` deletes the one in node_modules. */
export function npmEnvironment() {
  const paths = (process.env.PATH ?? '').split(delimiter).filter((path) => resolve(path) !== BIN);
  return { ...toolEnvironment(), PATH: [...paths, BIN].join(delimiter) };
}

/**
 * Runs a program on our terminal until it ends.
 *
 * Signals reach it: Ctrl-C goes to every program of the terminal anyway, so it is passed on only without a terminal;
 * a termination request always is. We stay until the child has ended and take its exit code.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>} exit code; 128 + number when a signal ended it; 127 when there is no such program
 */
export function run(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', env: options.env ?? toolEnvironment() });
    const onInterrupt = () => {
      if (!process.stdin.isTTY) child.kill('SIGINT');
    };
    const onTerminate = (signal) => child.kill(signal);
    process.on('SIGINT', onInterrupt);
    process.on('SIGTERM', onTerminate);
    process.on('SIGHUP', onTerminate);
    const release = () => {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
      process.off('SIGHUP', onTerminate);
    };
    child.on('error', (error) => {
      release();
      if (error.code === 'ENOENT') done(127);
      else fail(error);
    });
    child.on('close', (code, signal) => {
      release();
      done(code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 9));
    });
  });
}

/**
 * Runs a program quietly.
 *
 * @returns {Promise<{ code: number, output: string }>} code 127 when there is no such program
 */
export function ask(command, args, env = toolEnvironment()) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => (error.code === 'ENOENT' ? done({ code: 127, output: '' }) : fail(error)));
    child.on('close', (code) => done({ code: code ?? 1, output: Buffer.concat(chunks).toString('utf8').trim() }));
  });
}
