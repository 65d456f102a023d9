import { z } from 'zod';

/** `adctl dev`, once it has ended */
export const DevAnswer = z.object({ directory: z.string(), slots: z.int(), seconds: z.number() });
export type DevAnswer = z.infer<typeof DevAnswer>;
