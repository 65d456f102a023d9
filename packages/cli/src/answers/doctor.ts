import { z } from 'zod';

/** One thing `adctl doctor` looked at. */
export const DoctorCheck = z.object({
  name: z.string(),
  status: z.enum(['ok', 'warn', 'fail']),
  message: z.string(),
  /** The command or step that mends it. */
  mend: z.string().optional(),
});
export type DoctorCheck = z.infer<typeof DoctorCheck>;

/** What the engine's own probe found out in a process of its own. */
export const DoctorEngine = z.object({
  tensorflow: z.string(),
  flavour: z.string(),
  gpu: z.boolean(),
  threads: z.object({ intra: z.int(), inter: z.int() }),
  path: z.string(),
});
export type DoctorEngine = z.infer<typeof DoctorEngine>;

/** `adctl doctor` */
export const DoctorAnswer = z.object({
  adctl: z.string(),
  engine: DoctorEngine.nullable(),
  checks: z.array(DoctorCheck),
});
export type DoctorAnswer = z.infer<typeof DoctorAnswer>;
