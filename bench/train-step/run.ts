/**
 * Milliseconds per training step, ours and PyTorch's, same nets, same threads, one run.
 *
 *   node bench/train-step/run.ts [--python PATH] [--threads 1,2] [--steps 30]
 *
 * Each measurement is a process of its own, ours and the peer's in turn. Without a Python that has torch only ours is
 * measured, and the output says so.
 */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const { values: flags } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    threads: { type: 'string', default: '1,2' },
    steps: { type: 'string', default: '30' },
    nets: { type: 'string', default: 'cae,ocgan-quick,ocgan,wrn-10-4' },
  },
});

interface Measurement {
  wallMs: number;
  cpuMs: number;
  version: string;
}

const measure = (command: string, args: string[]): Measurement =>
  JSON.parse(execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
const hasTorch = (() => {
  try {
    execFileSync(flags.python, ['-c', 'import torch'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

console.log(`machine: ${os.cpus()[0]?.model}, ${os.availableParallelism()} cores, node ${process.version}`);
if (!hasTorch) console.log(`PyTorch: not found by ${flags.python}; only our side is measured`);
console.log(
  '| net | threads | adctl wall / CPU ms | PyTorch wall / CPU ms | wall ratio |\n| --- | --- | --- | --- | --- |',
);
for (const net of flags.nets.split(',')) {
  for (const threads of flags.threads.split(',')) {
    const ours = measure(process.execPath, [`${HERE}one.ts`, net, threads, flags.steps]);
    const peer = hasTorch ? measure(flags.python, [`${HERE}peer_torch.py`, net, threads, flags.steps]) : null;
    const cell = (m: Measurement) => `${m.wallMs.toFixed(0)} / ${m.cpuMs.toFixed(0)}`;
    const ratio = peer === null ? '-' : (ours.wallMs / peer.wallMs).toFixed(2);
    console.log(`| ${net} | ${threads} | ${cell(ours)} | ${peer === null ? '-' : cell(peer)} | ${ratio} |`);
  }
}
