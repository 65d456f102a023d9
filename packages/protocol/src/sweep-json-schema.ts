import { z } from 'zod';
import { SeveralMethodsFile, SingleMethodFile } from './sweep.js';

/**
 * The sweep file's JSON Schema (draft 2020-12), made from the schemas that `parseSweep` uses. A file with `methods` has
 * one block per method, so the two forms are two schemas; each refuses the other's key. What it cannot say (bounds that cross, names
 * outside the space, hyperparameters a card refuses) `adctl validate` does.
 */
export function createSweepJsonSchema(): Record<string, unknown> {
  const single = fromSource(SingleMethodFile);
  const several = fromSource(SeveralMethodsFile);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'adctl sweep',
    description: 'A search over methods, hyperparameters and data sets, run with `adctl sweep FILE`.',
    anyOf: [single.root, several.root],
    $defs: { ...single.definitions, ...several.definitions },
  };
}

function fromSource(source: z.ZodType) {
  const { $schema: _, $defs, ...root } = z.toJSONSchema(source, { io: 'input', target: 'draft-2020-12' });
  return { root, definitions: $defs ?? {} };
}
