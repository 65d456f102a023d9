import type { createManualClock } from '@adctl/messaging/contracts';

/** Lets time pass in small steps until something has happened, well or badly. */
export async function passUntil<T>(clock: ReturnType<typeof createManualClock>, something: Promise<T>): Promise<T> {
  let over = false;
  void something
    .finally(() => {
      over = true;
    })
    .catch(() => undefined);
  while (!over) {
    await new Promise(setImmediate);
    if (!over) clock.advance(50);
  }
  return something;
}
