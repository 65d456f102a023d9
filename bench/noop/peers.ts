import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { quantile } from './figures.ts';

const SCRIPT = fileURLToPath(new URL('../peers/noop.py', import.meta.url));
const run = promisify(execFile);

/** What `peers/noop.py` can run, and what Python must be able to import for it. */
export const PEERS = [
  { name: 'Ray Tune, reuse_actors=True', kind: 'ray', module: 'ray.tune' },
  { name: 'Optuna, journal file', kind: 'optuna-journal', module: 'optuna' },
  { name: 'Optuna, SQLite', kind: 'optuna-sqlite', module: 'optuna' },
] as const;

export type PeerKind = (typeof PEERS)[number]['kind'];

export interface PeerFigures {
  readonly trialsPerSecond: number;
  readonly gapMs: number;
  readonly version: string;
}

/** @returns null when the Python lacks the peer. @throws Error when a peer that is there fails. */
export async function measurePeer(
  python: string,
  { kind, module }: (typeof PEERS)[number],
  trials: number,
): Promise<PeerFigures | null> {
  const isThere = await run(python, ['-c', `import ${module}`]).then(
    () => true,
    () => false,
  );
  if (!isThere) return null;
  const { stdout } = await run(python, [SCRIPT, kind, String(trials)], { maxBuffer: 64 * 1024 ** 2 });
  const line = stdout.trim().split('\n').at(-1) ?? '';
  const said = JSON.parse(line) as { trials: number; seconds: number; gapsMs: number[]; version: string };
  return {
    trialsPerSecond: said.trials / said.seconds,
    gapMs: quantile(said.gapsMs, 0.5),
    version: said.version,
  };
}
