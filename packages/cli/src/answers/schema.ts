import { z } from 'zod';

/** `adctl schema`: a JSON Schema document. */
export const SchemaAnswer = z.record(z.string(), z.unknown());
export type SchemaAnswer = z.infer<typeof SchemaAnswer>;
