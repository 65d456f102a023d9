/**
 * Plans a grid of ten million points: time and memory to count it and to draw points from all over it.
 *
 *   node --expose-gc bench/plan-grid.ts
 *
 * Limits (design section 10): 2 s and 100 MiB.
 */
import os from 'node:os';
import { createGrid, toMethodSpace } from '@adctl/search';

const range = (from: number, to: number, count: number) => ({ range: { from, to, count } });
const space = toMethodSpace({
  learningRate: { range: { from: 1e-5, to: 1e-2, count: 100, scale: 'log' } },
  lambdaRec: range(1, 500, 100),
  latentSize: { values: Array.from({ length: 10 }, (_, i) => 2 ** i) },
  noiseSigma: range(0.05, 0.5, 10),
  mineSteps: { values: [0, 1, 2, 3, 4, 5, 6, 7, 8, 10] },
});

globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
const start = performance.now();
const grid = createGrid(space);
const planned = performance.now();
let checksum = 0;
const draws = 100_000;
for (let i = 0; i < draws; i++) {
  const point = grid.at(Math.floor((i * grid.size) / draws));
  checksum += Number(point.lambdaRec);
}
const drawn = performance.now();
const heap = process.memoryUsage().heapUsed - before;

console.log(`machine: ${os.cpus()[0]?.model}, ${os.availableParallelism()} cores, node ${process.version}`);
console.log('| what | measured | limit |\n| --- | --- | --- |');
console.log(`| points | ${grid.size.toLocaleString('en')} | |`);
console.log(`| counting them | ${(planned - start).toFixed(1)} ms | 2,000 ms |`);
console.log(
  `| ${draws.toLocaleString('en')} points drawn (checksum ${checksum.toFixed(0)}) | ${(drawn - planned).toFixed(0)} ms | |`,
);
console.log(`| heap grown | ${(heap / 2 ** 20).toFixed(1)} MiB | 100 MiB |`);
console.log(`| process at its largest | ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB | |`);
