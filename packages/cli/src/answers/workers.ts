import { ControllerStatus, PoolStatus, WorkerPod, WorkerSummary } from '@adctl/protocol';
import { z } from 'zod';

/** `adctl workers` */
export const WorkersAnswer = z.object({
  /** False when no controller runs in this folder, so nothing can be working. */
  controllerRunning: z.boolean(),
  workers: z.array(WorkerSummary),
  /** On Kubernetes: the pools, and their pods whether they have sent a sign of life or not. */
  pools: z.array(PoolStatus).optional(),
  pods: z.array(WorkerPod).optional(),
  /** Classes without a worker that sweeps wait for, and why there is none. */
  waiting: ControllerStatus.shape.waiting,
});
export type WorkersAnswer = z.infer<typeof WorkersAnswer>;
