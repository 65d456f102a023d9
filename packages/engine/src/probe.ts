import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Flavour } from './versions.js';

/** What `main-probe.js` prints on standard output: one line of JSON. `adctl doctor` and the builder read it. */
export const ProbeReport = z.object({
  info: z.object({
    tensorflowVersion: z.string(),
    addonVersion: z.string(),
    flavour: Flavour,
    isUsingGpu: z.boolean(),
    threads: z.object({ intra: z.number().int(), inter: z.number().int() }),
    path: z.string(),
  }),
  selfTest: z.array(z.object({ name: z.string(), passed: z.boolean(), detail: z.string() })),
  /** Milliseconds from the start of loading to the end of the self-test. */
  elapsedMs: z.number(),
});
export type ProbeReport = z.infer<typeof ProbeReport>;

/** Built file to run in a process of its own, also when we run from sources: `node <file> --flavour cpu [--threads N]`. Exit 0 with a passed self-test. */
export const PROBE_ENTRY = fileURLToPath(new URL('../dist/main-probe.js', import.meta.url));

/** The report in a probe's standard output, or undefined when it ended without one. */
export function parseProbeOutput(stdout: string): ProbeReport | undefined {
  const line = stdout.split('\n').findLast((text) => text.startsWith('{'));
  if (line === undefined) return undefined;
  try {
    return ProbeReport.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
