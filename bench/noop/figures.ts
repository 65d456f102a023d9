import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { SweepId } from '@adctl/protocol';
import { resultsPrefix, TrialResult } from '@adctl/protocol';
import type { ObjectStore } from '@adctl/storage';

const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const READS_AT_ONCE = 32;

/** CPU seconds and resident MiB of a process, as the kernel counts them; its children count apart. */
export function usageOf(pid: number): { readonly cpuSeconds: number; readonly rssMiB: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    rssMiB: (pages * PAGE_BYTES) / 1024 ** 2,
  };
}

/** The value below which a share of them lies; `NaN` of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Every result of a sweep, read back from the store: the proof that it is there. */
export async function readResults(objects: ObjectStore, sweep: SweepId): Promise<TrialResult[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(resultsPrefix(sweep))) keys.push(key);
  const results: TrialResult[] = [];
  for (let first = 0; first < keys.length; first += READS_AT_ONCE) {
    const some = await Promise.all(keys.slice(first, first + READS_AT_ONCE).map((key) => objects.get(key)));
    for (const object of some) {
      if (object !== null) results.push(TrialResult.parse(JSON.parse(Buffer.from(object.content).toString())));
    }
  }
  return results;
}

/** Milliseconds from the end of one trial to the start of the next on the same worker, which must have one slot. */
export function gapsOf(results: readonly TrialResult[]): number[] {
  const byWorker = Map.groupBy(results, (result) => result.worker ?? '');
  return [...byWorker.values()].flatMap((ofWorker) => {
    const times = ofWorker
      .map(({ startedAt, endedAt }) => ({ start: Date.parse(startedAt ?? ''), end: Date.parse(endedAt) }))
      .sort((a, b) => a.start - b.start);
    return times.slice(1).map((time, i) => time.start - (times[i]?.end ?? 0));
  });
}

/** One line about where the numbers come from. */
export function machineLine(): string {
  const [load = 0] = os.loadavg();
  return `machine: ${os.cpus()[0]?.model.trim()}, ${os.availableParallelism()} cores, load ${load.toFixed(1)}, node ${process.version}`;
}
