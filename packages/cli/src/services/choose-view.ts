import type { Style } from '../render/style.js';
import type { ProgressView } from './follow-sweep.js';
import { createLineView } from './line-view.js';
import { REAL_PACE } from './pace.js';

const ignore = () => undefined;

/** Shows nothing: for `--json` and for `--log-level` below info. */
const SILENT: ProgressView = { update: ignore, ended: ignore, left: ignore, say: ignore, close: ignore };

/** The view that fits: redrawn lines on a terminal, plain lines elsewhere, nothing when nobody wants a story. */
export async function chooseView(options: {
  readonly stream: NodeJS.WriteStream;
  readonly style: Style;
  readonly quiet: boolean;
}): Promise<ProgressView> {
  const { stream, style, quiet } = options;
  if (quiet) return SILENT;
  if (!stream.isTTY) return createLineView((line) => stream.write(`${line}\n`), REAL_PACE.now);
  const { createLiveView } = await import('./live-view.js');
  return createLiveView(stream, style);
}
