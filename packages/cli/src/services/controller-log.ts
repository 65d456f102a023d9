import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { z } from 'zod';
import type { LogLevel } from '../flags.js';

/** The part of a log line that people are told. */
const Told = z.object({
  msg: z.string().default(''),
  worker: z.string().optional(),
  err: z.object({ message: z.string() }).optional(),
});

/**
 * The log of a controller in this process: everything goes to `logs/controller.log` in the folder, and what deserves
 * attention is told as a line of the story as well.
 *
 * @param say takes one line without a newline
 */
export function createControllerLog(directory: string, level: LogLevel, say: (line: string) => void): Logger {
  const folder = join(directory, 'logs');
  mkdirSync(folder, { recursive: true });
  const file = pino.destination({ dest: join(folder, 'controller.log'), sync: true });
  const story = { write: (line: string) => say(toStory(line)) };
  const streams = [{ level, stream: file }, ...(level === 'error' ? [] : [{ level: 'warn' as const, stream: story }])];
  return pino({ level }, pino.multistream(streams));
}

/** `Controller: worker ended (w0-abc-1): exit code 137`. */
function toStory(line: string): string {
  const { msg, worker, err } = Told.parse(JSON.parse(line));
  return `Controller: ${msg}${worker === undefined ? '' : ` (${worker})`}${err === undefined ? '' : `: ${err.message}`}`;
}
