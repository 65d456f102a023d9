import { createLogUpdate } from 'log-update';

/** Shows the step that something is at; `close` leaves the terminal as it should be. */
export interface StepView {
  /** @param detail how far the step is; redrawn on a terminal, left out elsewhere. */
  show(step: string, detail: string): void;
  close(): void;
}

/** One line that is redrawn on a terminal; elsewhere one line for each step. */
export function createStepView(stream: NodeJS.WriteStream, quiet: boolean): StepView {
  if (quiet) return { show: () => undefined, close: () => undefined };
  if (!stream.isTTY) {
    let last = '';
    return {
      show(step) {
        if (step !== last) stream.write(`${step}\n`);
        last = step;
      },
      close: () => undefined,
    };
  }
  const screen = createLogUpdate(stream, { showCursor: true });
  return {
    show: (step, detail) => screen(`${step}  ${detail}`),
    close() {
      screen.clear();
    },
  };
}
