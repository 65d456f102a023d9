/**
 * `npm run build` begins with it: removes compiled files whose source is gone, which the compiler leaves behind. They would
 * change the code version, by which results are compared, and could still be imported. `--root DIR` cleans another tree.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pruneBuilt } from './lib/prune-built.mjs';
import { ROOT } from './lib/run.mjs';

const { values } = parseArgs({ options: { root: { type: 'string', default: ROOT } } });
for (const file of await pruneBuilt(resolve(values.root)))
  process.stdout.write(`removed ${file}: its source is gone\n`);
