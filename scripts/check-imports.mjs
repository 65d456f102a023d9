/**
 * `npm run imports`: who imports whom, against `scripts/lib/import-table.mjs`. `--root DIR` checks another tree.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findProblems } from './lib/import-rules.mjs';
import { readPackages } from './lib/module-graph.mjs';
import { ROOT } from './lib/run.mjs';

const { values } = parseArgs({ options: { root: { type: 'string', default: ROOT } } });
const packages = await readPackages(resolve(values.root));
const problems = findProblems(packages);
const files = packages.reduce((sum, pkg) => sum + pkg.files.length, 0);
for (const problem of problems) process.stderr.write(`✗ ${problem}\n`);
process.stdout.write(`${files} files in ${packages.length} packages, ${problems.length} import problems\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
