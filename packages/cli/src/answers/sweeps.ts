import { ErrorKindSchema, Leaderboard, SweepAccepted, SweepSummary, TrialState } from '@adctl/protocol';
import { z } from 'zod';

/** `adctl sweeps list` */
export const SweepsListAnswer = z.array(SweepSummary);
export type SweepsListAnswer = z.infer<typeof SweepsListAnswer>;

/** `adctl sweeps show|pause|resume|cancel` */
export const SweepAnswer = SweepSummary;
export type SweepAnswer = z.infer<typeof SweepAnswer>;

/** `adctl sweeps retry` */
export const SweepsRetryAnswer = z.object({ retried: z.int() });
export type SweepsRetryAnswer = z.infer<typeof SweepsRetryAnswer>;

/** A trial that ended without numbers, with the reason for people. */
export const BadTrial = z.object({
  trial: z.string(),
  method: z.string(),
  normal: z.string(),
  state: TrialState,
  reason: z.string(),
  /** Whose move the last failure is; null for a trial that ended badly without one. */
  kind: ErrorKindSchema.nullable(),
});
export type BadTrial = z.infer<typeof BadTrial>;

/** `adctl sweeps watch`, and `adctl sweep` once it has followed to the end */
export const SweepOutcome = z.object({
  summary: SweepSummary,
  leaderboard: Leaderboard,
  bad: z.array(BadTrial),
  /** Where results and artifacts lie. */
  directory: z.string(),
});
export type SweepOutcome = z.infer<typeof SweepOutcome>;

/** `adctl sweep FILE`: what was accepted, and the outcome unless `--detach`, an interruption, or `--if-active skip`. */
export const SweepRunAnswer = z.object({
  accepted: SweepAccepted,
  outcome: SweepOutcome.optional(),
  /** Ctrl-C ended it; the same command continues. */
  interrupted: z.boolean(),
});
export type SweepRunAnswer = z.infer<typeof SweepRunAnswer>;
