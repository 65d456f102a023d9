import { Sha256, Sweep, SweepId } from '@adctl/protocol';
import { z } from 'zod';

/** What is the same for all trials of one method. */
export const FrozenMethod = z.object({
  method: z.string(),
  codeVersion: Sha256,
  /** Configurations the search tries. */
  configurations: z.int().min(0),
});
export type FrozenMethod = z.infer<typeof FrozenMethod>;

/**
 * A sweep as submitted, with everything resolved that could change later: classes, image size, digests of data and code,
 * presets, seeds. Stored once at `sweepSpecKey`; every trial of the sweep follows from it and the method cards alone.
 */
export const FrozenSweep = z.object({
  version: z.literal(1),
  id: SweepId,
  /** The file, with `dataset.normal` a list and `dataset.image` and `dataset.root` (absolute) filled in. */
  sweep: Sweep,
  /** What workers must satisfy. */
  class: z.string(),
  dataDigest: Sha256,
  methods: z.array(FrozenMethod).min(1),
  seeds: z.object({ search: z.array(z.int()), report: z.array(z.int()) }),
  /** Set by `--fresh`: makes an id that never existed. */
  freshToken: z.string().optional(),
});
export type FrozenSweep = z.infer<typeof FrozenSweep>;

/** Classes of a frozen sweep: a list by now. */
export function normalClasses(frozen: FrozenSweep): readonly string[] {
  const { normal } = frozen.sweep.dataset;
  if (normal === 'each') throw new TypeError(`frozen sweep ${frozen.id} still says normal: each`);
  return normal;
}

/** Configurations over all methods. */
export function countConfigurations(frozen: FrozenSweep): number {
  return frozen.methods.reduce((sum, method) => sum + method.configurations, 0);
}

/** Trials of the search phase: configurations x classes x search seeds. */
export function countSearchTrials(frozen: FrozenSweep): number {
  return countConfigurations(frozen) * normalClasses(frozen).length * frozen.seeds.search.length;
}

/** Trials of the report phase for a number of finalists. */
export function countReportTrials(frozen: FrozenSweep, finalists: number): number {
  return finalists * normalClasses(frozen).length * frozen.seeds.report.length;
}

/** The most report trials there can be: every method keeps its number of finalists. */
export function countMostReportTrials(frozen: FrozenSweep): number {
  const wanted = frozen.sweep.seeds.finalists;
  const finalists = frozen.methods.reduce((sum, method) => sum + Math.min(wanted, method.configurations), 0);
  return countReportTrials(frozen, finalists);
}
