/** One measurement of run.ts: `one.ts NET THREADS STEPS` prints a JSON line, median wall and mean CPU milliseconds per step. */
import { loadEngine, parseEngineEnvironment } from '@adctl/engine';
import { prepareEngine } from '@adctl/methods/kit';
import { NETS } from './nets.ts';

const [net, threads, steps] = process.argv.slice(2) as [string, string, string];
const { cacheDir } = parseEngineEnvironment(process.env);
const { info } = await loadEngine({ flavour: 'cpu', threads: Number(threads), cacheDir });
prepareEngine();
const create = NETS[net];
if (create === undefined) throw new Error(`unknown net ${net}; known: ${Object.keys(NETS).join(', ')}`);
const step = await create();
for (let i = 0; i < 3; i++) step();
const walls: number[] = [];
const before = process.cpuUsage();
for (let i = 0; i < Number(steps); i++) {
  const start = performance.now();
  step();
  walls.push(performance.now() - start);
}
const { user, system } = process.cpuUsage(before);
walls.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    net,
    threads: Number(threads),
    wallMs: walls[Math.floor(walls.length / 2)],
    cpuMs: (user + system) / 1000 / Number(steps),
    version: info.tensorflowVersion,
  }),
);
