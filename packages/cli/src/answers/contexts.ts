import { z } from 'zod';
import { Context } from '../services/contexts/context-file.js';

/** `adctl contexts add|use|show|remove` */
export const ContextAnswer = z.object({
  name: z.string(),
  /** Whether commands use it when they name none. */
  current: z.boolean(),
  context: Context,
});
export type ContextAnswer = z.infer<typeof ContextAnswer>;

/** `adctl contexts list` */
export const ContextsListAnswer = z.array(ContextAnswer);
export type ContextsListAnswer = z.infer<typeof ContextsListAnswer>;
