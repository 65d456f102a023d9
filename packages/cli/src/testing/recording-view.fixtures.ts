import { endedLine, totalsLine } from '../render/progress.js';
import { PLAIN } from '../render/style.js';
import type { Pace, ProgressView } from '../services/follow-sweep.js';

/** A view that keeps what it was told, as text. */
export function createRecordingView(): ProgressView & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    update: (progress) => lines.push(`update ${totalsLine(progress)}`),
    ended: (trial, differences) => lines.push(`ended ${endedLine(trial, differences, PLAIN)}`),
    left: (progress) => lines.push(`left ${totalsLine(progress)}`),
    say: (line) => lines.push(line),
    close: () => lines.push('closed'),
  };
}

/** Time that passes only when somebody waits; `onWait` sees each wait before it ends. */
export function createFakePace(onWait: (waits: number) => void = () => undefined): Pace {
  let seconds = 0;
  let waits = 0;
  return {
    now: () => seconds,
    async wait(milliseconds) {
      seconds += milliseconds / 1000;
      waits += 1;
      onWait(waits);
    },
  };
}
