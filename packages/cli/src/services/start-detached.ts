import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AdctlError } from '@adctl/protocol';
import { REAL_PACE } from './pace.js';
import type { WorkerChoice } from './worker-choice.js';

const POLL_MS = 100;
const LONGEST_START_SECONDS = 60;
const LOG_TAIL_CHARACTERS = 2000;

/**
 * Leaves `adctl dev --until-idle` behind in the folder, in a session of its own; its story goes to `dev.log` there.
 *
 * @param isUp whether its controller answers yet
 * @throws AdctlError permanent `controller_not_started` with the end of its log
 */
export async function startDetached(
  directory: string,
  workers: WorkerChoice,
  isUp: () => Promise<boolean>,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const logFile = join(directory, 'dev.log');
  const log = await open(logFile, 'a');
  const args = [
    process.argv[1] ?? '',
    'dev',
    '--local',
    '--until-idle',
    '--directory',
    directory,
    ...workerArguments(workers),
  ];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log.fd, log.fd] });
  const ended = new AbortController();
  child.once('exit', () => ended.abort());
  child.once('error', () => ended.abort());
  child.unref();
  await log.close();
  const deadline = REAL_PACE.now() + LONGEST_START_SECONDS;
  while (!ended.signal.aborted && REAL_PACE.now() < deadline) {
    if (await isUp()) return;
    await REAL_PACE.wait(POLL_MS, ended.signal);
  }
  const tail = (await readFile(logFile, 'utf8')).slice(-LOG_TAIL_CHARACTERS);
  throw new AdctlError(`The controller that was to stay behind did not start:\n${tail.trim()}`, {
    code: 'controller_not_started',
    kind: 'permanent',
    hint: `Its log is ${logFile}; adctl dev shows the same in this terminal.`,
    details: { logFile },
  });
}

function workerArguments({ slots, threads, flavour }: WorkerChoice): string[] {
  return [
    ...(flavour === undefined ? [] : ['--flavour', flavour]),
    ...(slots === undefined ? [] : ['--slots', String(slots)]),
    ...(threads === undefined ? [] : ['--threads', String(threads)]),
  ];
}
