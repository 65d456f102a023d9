import { systemClock } from '@adctl/messaging';
import { type ObjectPlace, type OpenedObjects, openObjects, type RetryNote } from '@adctl/storage';
import type { Logger } from 'pino';
import { isPassing } from '../failure-scope.js';

/**
 * How long one call of the controller insists. Whatever needs the store is done in turns that serve all owners: what one call
 * cannot get is put aside and tried again soon, and everything else goes on.
 */
const CALL_MS = 10_000;
/** A request without an answer ends after this; the controller's objects are small. */
const REQUEST_MS = 20_000;
/** Short, for more than a few tries within the time of a call. */
const FIRST_PAUSE_MS = 250;
/** How long the process waits for a store at its start, where the settings do not say. */
const START_MS = 900_000;

/** The place as the controller wants to call it: impatient. */
export function impatient(place: ObjectPlace): ObjectPlace {
  if (place.kind === 'filesystem') return place;
  const { settings } = place;
  const { retry = {}, requestTimeoutMs = REQUEST_MS } = settings;
  const atMost = (most: number, wanted = most) => Math.min(most, wanted);
  return {
    kind: 's3',
    settings: {
      ...settings,
      requestTimeoutMs: atMost(REQUEST_MS, requestTimeoutMs),
      retry: {
        ...retry,
        deadlineMs: atMost(CALL_MS, retry.deadlineMs),
        firstDelayMs: atMost(FIRST_PAUSE_MS, retry.firstDelayMs),
        giveUpTogether: true,
      },
    },
  };
}

/**
 * Opens the controller's store; waits for one that is away for as long as a patient call would.
 * @param onRetry hears before every other try: waiting for the store is no hang.
 * @throws as `openObjects`.
 */
export async function openStore(
  place: ObjectPlace,
  logger: Logger,
  onRetry: (note: RetryNote) => void,
): Promise<OpenedObjects> {
  const patienceMs = place.kind === 's3' ? (place.settings.retry?.deadlineMs ?? START_MS) : 0;
  const until = systemClock.now() + patienceMs;
  for (;;) {
    try {
      return await openObjects(impatient(place), { onRetry });
    } catch (error) {
      if (!isPassing(error) || systemClock.now() >= until) throw error;
      logger.warn({ err: error }, 'waits for the object store');
    }
  }
}
