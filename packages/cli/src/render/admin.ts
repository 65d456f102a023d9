import type { GcProgress, RebuildProgress } from '@adctl/protocol';
import { counted } from './values.js';

/** One line while it runs. */
export function renderRebuildProgress({ sweeps, sweepsDone, trialsCreated, results }: RebuildProgress): string {
  return `${sweepsDone} of ${counted(sweeps, 'sweep')}: ${counted(results, 'result')} read, ${counted(trialsCreated, 'record')} made`;
}

/** What was done, and what could not be. */
export function renderRebuild(progress: RebuildProgress): string {
  const { sweeps, sweepsCreated, trialsCreated, results, unreadable } = progress;
  const lines = [
    `${counted(sweeps, 'sweep')} found, ${counted(results, 'result')} read.`,
    `${counted(sweepsCreated, 'sweep')} and ${counted(trialsCreated, 'trial')} got a record again.`,
  ];
  if (unreadable.length > 0)
    lines.push('Left as they are, because they cannot be read:', ...unreadable.map((key) => `  ${key}`));
  return lines.join('\n');
}

/** One line while it runs. */
export function renderGcProgress({ sweeps, sweepsDone, deleted }: GcProgress): string {
  return `${sweepsDone} of ${counted(sweeps, 'sweep')}: ${counted(total(deleted), 'checkpoint')} found that may go`;
}

/** What went, or would go, and why the rest stays. */
export function renderGc({ dryRun, kept, deleted, indexParts, bytes, prefixes }: GcProgress): string {
  const gone = total(deleted);
  const parts = indexParts === 0 ? '' : ` and ${counted(indexParts, 'old part')} of the index of results`;
  const mebibytes = (bytes / 1024 ** 2).toFixed(1);
  const lines = [
    `${counted(gone, 'checkpoint')}${parts} (${mebibytes} MiB) ${dryRun ? 'would be deleted' : 'deleted'}${reasons(deleted)}.`,
    `${counted(total(kept), 'checkpoint')} kept${reasons(kept)}.`,
  ];
  if (dryRun) lines.push(...prefixes.map((prefix) => `  ${prefix}`));
  if (dryRun && gone > prefixes.length) lines.push(`  … and ${gone - prefixes.length} more`);
  return lines.join('\n');
}

function total(counts: GcProgress['kept']): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function reasons(counts: GcProgress['kept']): string {
  const parts = Object.entries(counts).map(([reason, count]) => `${count} ${reason}`);
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}
