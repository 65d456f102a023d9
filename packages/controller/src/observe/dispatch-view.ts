import type { ControllerContext } from '../context.js';
import type { DispatchClass, DispatchSweep } from '../plan/dispatch.js';
import type { SweepBook } from './sweep-book.js';

/** What dispatch decides by. */
export interface DispatchView {
  readonly classes: readonly DispatchClass[];
  readonly sweeps: readonly DispatchSweep[];
}

/** A message is overdue once this many windows of trials have started that were dispatched with or after it. */
const PATIENCE_WINDOWS = 4;

/** Reads windows, waiting messages and sweeps off what the controller holds in memory. */
export function viewDispatch(context: ControllerContext): DispatchView {
  const books = [...context.books.values()];
  const names = new Set(books.map(({ frozen }) => frozen.class));
  return {
    classes: [...names].map((name) => {
      const ofClass = books.filter(({ frozen }) => frozen.class === name);
      const running = ofClass.reduce((sum, { counts }) => sum + counts.running, 0);
      const window = context.fleet.windowOf(name, running);
      return { class: name, window, overdue: isOverdue(ofClass, window) };
    }),
    sweeps: books.map(({ record, frozen, inFlight, available, lastServed }) => ({
      sweep: record.sweep,
      owner: record.owner,
      class: frozen.class,
      priority: record.priority,
      parallel: record.parallel,
      inFlight,
      available,
      lastServed,
    })),
  };
}

/** In order of arrival a message sees at most one window of starts; more means that it is overtaken again and again. */
function isOverdue(books: readonly SweepBook[], window: number): boolean {
  return books.some(({ startsPassedBy }) => startsPassedBy > PATIENCE_WINDOWS * Math.max(1, window));
}
