/** Items worked on at once: lets the store write many records in one transaction. */
export const BATCH = 64;

/** Works on items in batches, one batch after another; within a batch at once. @returns the answers in the items' order. */
export async function inBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let start = 0; start < items.length; start += BATCH) {
    answers.push(...(await Promise.all(items.slice(start, start + BATCH).map(work))));
  }
  return answers;
}
