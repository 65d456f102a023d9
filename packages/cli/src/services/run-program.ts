import { spawn } from 'node:child_process';

/** How a program ended; `code` is null when it could not be started at all. */
export interface ProgramResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type RunProgram = (command: string, args: readonly string[], timeoutMs: number) => Promise<ProgramResult>;

/** Runs a program to its end and collects what it says; one that hangs is stopped. Never throws. */
export const runProgram: RunProgram = (command, args, timeoutMs) =>
  new Promise((settle) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    const end = (code: number | null, extra = '') =>
      settle({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() + extra });
    child.on('error', (error) => end(null, error.message));
    child.on('close', (code, signal) =>
      end(code ?? (signal === null ? null : 1), signal === null ? '' : `ended by ${signal}`),
    );
  });
