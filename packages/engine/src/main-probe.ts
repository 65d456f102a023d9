import { parseArgs } from 'node:util';
import { AdctlError, EXIT_CODE_OF_KIND } from '@adctl/protocol';
import { parseEngineEnvironment } from './environment.js';
import { loadEngine } from './load.js';
import type { ProbeReport } from './probe.js';
import { runSelfTest } from './self-test.js';
import { Flavour } from './versions.js';

/** Loads an engine, tests it, prints a {@link ProbeReport}. A process of its own, so that a crash stays in it. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      flavour: { type: 'string', default: 'cpu' },
      threads: { type: 'string' },
      'unfinished-build': { type: 'string' },
      'allow-missing-gpu': { type: 'boolean', default: false },
    },
  });
  const start = performance.now();
  const unfinishedBuild = values['unfinished-build'];
  const { tf, info } = await loadEngine({
    flavour: Flavour.parse(values.flavour),
    cacheDir: parseEngineEnvironment(process.env).cacheDir,
    allowMissingGpu: values['allow-missing-gpu'],
    ...(values.threads === undefined ? {} : { threads: Number(values.threads) }),
    ...(unfinishedBuild === undefined ? {} : { unfinishedBuild }),
  });
  const selfTest = runSelfTest(tf);
  const report: ProbeReport = { info, selfTest, elapsedMs: performance.now() - start };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  return selfTest.every((check) => check.passed) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof AdctlError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint ?? ''}\n`);
  process.exitCode = EXIT_CODE_OF_KIND[error.kind];
}
