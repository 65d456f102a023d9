import { artifactKey, type LogLine } from '@adctl/protocol';
import { putInParts } from '@adctl/storage';
import type { Attempt, SlotContext } from './attempt.js';
import type { AttemptOutput } from './attempt-output.js';

/** How much of its log a killed worker takes along at most. */
const KEEP_MS = 30_000;

/** A file among an attempt's artifacts. */
export interface ArtifactFile {
  readonly file: string;
  readonly content: Uint8Array;
  readonly contentType: string;
}

/** Stores an attempt's log again and again while it runs: what was said before a worker was killed tells why. */
export interface LogKeeper {
  /** Waits for a log that is on its way. None is stored afterwards, so that none replaces the one of the end. */
  stop(): Promise<void>;
}

/** A try that fails is no reason for anything: the next one has all lines. */
export function createLogKeeper(
  { objects, clock, logger }: Pick<SlotContext, 'objects' | 'clock' | 'logger'>,
  { record, number, lost }: Pick<Attempt, 'record' | 'number' | 'lost'>,
  output: Pick<AttemptOutput, 'lines'>,
): LogKeeper {
  let stored: LogLine | undefined;
  let storing = Promise.resolve();
  let isStopped = false;
  const store = async () => {
    const last = output.lines().at(-1);
    const log = logFileOf(output);
    if (log === null || last === stored) return;
    const { file, content, contentType } = log;
    await putInParts(objects, artifactKey(record.sweep, record.trial, number, file), content, {
      contentType,
      signal: lost,
    });
    stored = last;
  };
  const tick = () => {
    if (lost.aborted) return;
    storing = store()
      .catch((error: unknown) => logger.debug({ err: error }, 'the log could not be stored yet'))
      .then(() => {
        if (!isStopped) cancel = clock.after(KEEP_MS, tick);
      });
  };
  let cancel = clock.after(KEEP_MS, tick);
  return {
    async stop() {
      isStopped = true;
      cancel();
      await storing;
    },
  };
}

/** An attempt's log as a file; null when nothing was said. */
export function logFileOf(output: Pick<AttemptOutput, 'lines'>): ArtifactFile | null {
  const lines = output.lines();
  if (lines.length === 0) return null;
  const content = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return { file: 'log.ndjson', content, contentType: 'application/x-ndjson' };
}
