import { parseArgs } from 'node:util';
import { AdctlError, EXIT_CODE_OF_KIND } from '@adctl/protocol';
import { buildEngine } from './build.js';
import { parseEngineEnvironment } from './environment.js';
import { Flavour } from './versions.js';

/** `node dist/main-build.js [--flavour cpu|gpu] [--force]`: the set-up step that makes the engine. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { flavour: { type: 'string', default: 'cpu' }, force: { type: 'boolean', default: false } },
  });
  const outcome = await buildEngine({
    environment: parseEngineEnvironment(process.env),
    flavour: Flavour.parse(values.flavour),
    force: values.force,
    report: (line) => process.stderr.write(`  engine: ${line}\n`),
  });
  const { tensorflowVersion, flavour } = outcome.manifest;
  const verb = outcome.built ? 'built' : 'in the cache, digests checked';
  process.stderr.write(`  engine: TensorFlow ${tensorflowVersion} (${flavour}) ${verb}: ${outcome.path}\n`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof AdctlError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint === undefined ? '' : `→ ${error.hint}\n`}`);
  process.exitCode = EXIT_CODE_OF_KIND[error.kind];
}
