import { z } from 'zod';

/** Ids are branded, so one cannot be passed for another. All match `[a-z0-9][a-z0-9-]*` and are safe in subjects and keys. */
const id = (longest: number) =>
  z
    .string()
    .max(longest)
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and dashes');

/** `<name>-<8 hex digits of the frozen sweep's digest>`. */
export const SweepId = id(80).brand<'SweepId'>();
export type SweepId = z.infer<typeof SweepId>;

/** `t<index, 6 digits>-<8 hex digits of the identity>`: the same sweep and index always give the same trial. */
export const TrialId = id(40).brand<'TrialId'>();
export type TrialId = z.infer<typeof TrialId>;

/** `c-<12 hex digits>` over method, hyperparameters, dataset, protocol and checkpoint rule: all seeds and classes of one choice. */
export const ConfigurationId = id(40).brand<'ConfigurationId'>();
export type ConfigurationId = z.infer<typeof ConfigurationId>;

export const WorkerId = id(80).brand<'WorkerId'>();
export type WorkerId = z.infer<typeof WorkerId>;

/** 64 lower-case hex digits. */
export const Sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be a sha256 in lower-case hex')
  .brand<'Sha256'>();
export type Sha256 = z.infer<typeof Sha256>;
