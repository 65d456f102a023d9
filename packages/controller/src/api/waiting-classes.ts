import type { ControllerStatus } from '@adctl/protocol';
import type { ControllerContext } from '../context.js';
import { noWorkers } from '../plan/why.js';

/** Classes without a worker that sweeps wait for, by name, and why there is none. */
export function waitingClasses(
  context: Pick<ControllerContext, 'books' | 'fleet' | 'explainClass'>,
): NonNullable<ControllerStatus['waiting']> {
  const waiting = [...context.books.values()].filter((book) => book.available + book.counts.dispatched > 0);
  return [...Map.groupBy(waiting, ({ frozen }) => frozen.class)]
    .filter(([name]) => context.fleet.slotsOf(name) === 0)
    .map(([name, books]) => ({
      class: name,
      sweeps: books.length,
      reasons: [noWorkers(name), ...context.explainClass(name)],
    }))
    .sort((a, b) => (a.class < b.class ? -1 : 1));
}
