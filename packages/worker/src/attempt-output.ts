import type { Clock } from '@adctl/messaging';
import type { LogLine, MetricBatch, TrialProgress } from '@adctl/protocol';
import type { Attempt, SlotContext } from './attempt.js';
import { retryTransient } from './retry.js';
import type { TrainerProgress } from './trainer-messages.js';

/** Epoch rows are sent on at most this often. */
const FLUSH_MS = 1000;
/** Log lines kept per attempt; of a longer log the oldest go first. */
const KEPT_LINES = 5000;
/** A longer line is cut: in UTF-8 it stays below 64 KiB, so that any server takes it. */
const LONGEST_LINE = 16_000;
/** Rows of one message, which any server takes. */
const MOST_SENT_ROWS = 1000;
/** Rows that are held, waiting or kept; above it every second one is dropped. */
const MOST_HELD_ROWS = 20_000;

/** Where an attempt's progress, curves and log go while it runs. */
export interface AttemptOutput {
  /** Live and lossy. */
  progress(progress: TrainerProgress): void;
  /** Durable, sent in batches. */
  row(epoch: number, row: Readonly<Record<string, number>>): void;
  /** Live and lossy, and kept for `lines`. */
  log(level: LogLine['level'], message: string): void;
  /** The log so far. */
  lines(): readonly LogLine[];
  /** The rows so far, of this attempt alone; of very many epochs every second, fourth, … one. */
  curves(): Curves;
  /** Waits until every row is durable. @throws `ClaimLost` when the claim went first. */
  flush(): Promise<void>;
}

export function createAttemptOutput(
  context: Pick<SlotContext, 'messaging' | 'config' | 'clock' | 'logger'>,
  attempt: Pick<Attempt, 'record' | 'number' | 'lost'>,
): AttemptOutput {
  const { messaging, config, clock, logger } = context;
  const { sweep, trial } = attempt.record;
  const about = { version: 1 as const, sweep, trial, attempt: attempt.number };
  const lines: LogLine[] = [];
  const publish = (topic: string, payload: unknown) => {
    messaging.control.publish(topic, payload).catch((error) => logger.debug({ error, topic }, 'nobody can hear us'));
  };
  let kept: Curves = { epochs: [], columns: {} };
  const rows = createRowBuffer(clock, async (batch) => {
    const event: MetricBatch = { ...about, type: 'metric', ...batch };
    await retryTransient(() => messaging.events.append(`metric.${sweep}.${trial}`, event), {
      clock,
      signal: attempt.lost,
    });
  });
  return {
    progress(progress) {
      const message: TrialProgress = { ...about, worker: config.worker, ...progress };
      publish(`progress.${sweep}.${trial}`, message);
    },
    row(epoch, row) {
      kept = withRow(kept, epoch, row);
      rows.add(epoch, row);
    },
    log(level, text) {
      const message = text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)} …` : text;
      const line: LogLine = { ...about, at: new Date(clock.now()).toISOString(), level, message };
      if (lines.push(line) > KEPT_LINES) lines.shift();
      logger[level]({ attempt: attempt.number }, message);
      publish(`log.${sweep}.${trial}`, line);
    },
    lines: () => lines,
    curves: () => kept,
    flush: rows.flush,
  };
}

/** One value an epoch in every column; null where an epoch had none. */
type Curves = Pick<MetricBatch, 'epochs' | 'columns'>;

/**
 * Collects rows and sends them one batch after another; what comes while one is on its way joins the next. When nobody takes
 * them for long, the curve gets thinner instead of the memory fuller. An error waits for `flush`.
 */
function createRowBuffer(clock: Clock, send: (rows: Curves) => Promise<void>) {
  let waiting: Curves = { epochs: [], columns: {} };
  let sending: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;
  let cancelTimer: (() => void) | null = null;
  const sendWaiting = () => {
    cancelTimer?.();
    cancelTimer = null;
    if (sending !== null || waiting.epochs.length === 0) return;
    const rows = select(waiting, (index) => index < MOST_SENT_ROWS);
    waiting = select(waiting, (index) => index >= MOST_SENT_ROWS);
    sending = send(rows)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => {
        sending = null;
        if (waiting.epochs.length > 0 && failure === null) cancelTimer ??= clock.after(FLUSH_MS, sendWaiting);
      });
  };
  return {
    add(epoch: number, row: Readonly<Record<string, number>>) {
      waiting = withRow(waiting, epoch, row);
      cancelTimer ??= clock.after(FLUSH_MS, sendWaiting);
    },
    async flush() {
      while (failure === null && (sending !== null || waiting.epochs.length > 0)) {
        sendWaiting();
        await sending;
      }
      if (failure !== null) throw failure.error;
    },
  };
}

/** Adds a row in place, or, where there are very many, to every second one of them. */
function withRow(rows: Curves, epoch: number, row: Readonly<Record<string, number>>): Curves {
  const { epochs, columns } = rows.epochs.length < MOST_HELD_ROWS ? rows : select(rows, (index) => index % 2 === 1);
  const before = epochs.length;
  epochs.push(epoch);
  for (const name of new Set([...Object.keys(columns), ...Object.keys(row)])) {
    columns[name] ??= new Array<null>(before).fill(null);
    columns[name].push(row[name] ?? null);
  }
  return { epochs, columns };
}

function select({ epochs, columns }: Curves, isWanted: (index: number) => boolean): Curves {
  const keep = <T>(values: readonly T[]) => values.filter((_, index) => isWanted(index));
  const kept = Object.entries(columns).map(([name, values]) => [name, keep(values)]);
  return { epochs: keep(epochs), columns: Object.fromEntries(kept) };
}
