/** Items worked on at once: lets the store write many records in one transaction. */
export const BATCH = 64;

/**
 * Works on items in batches, one batch after another; within a batch at once.
 * @returns the answers in the items' order.
 * @throws as `settleAll`; later batches are left undone then.
 */
export async function inBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let start = 0; start < items.length; start += BATCH) {
    answers.push(...(await settleAll(items.slice(start, start + BATCH).map(work))));
  }
  return answers;
}

/** Waits until all steps have come to an end, well or badly. @throws what the first one in order threw. */
export async function settleAll<R>(steps: readonly Promise<R>[]): Promise<R[]> {
  const ends = await Promise.allSettled(steps);
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}
