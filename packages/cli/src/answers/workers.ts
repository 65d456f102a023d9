import { WorkerSummary } from '@adctl/protocol';
import { z } from 'zod';

/** `adctl workers` */
export const WorkersAnswer = z.object({
  /** False when no controller runs in this folder, so nothing can be working. */
  controllerRunning: z.boolean(),
  workers: z.array(WorkerSummary),
});
export type WorkersAnswer = z.infer<typeof WorkersAnswer>;
