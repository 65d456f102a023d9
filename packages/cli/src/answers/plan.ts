import { z } from 'zod';

/** `adctl validate FILE` */
export const ValidateAnswer = z.object({
  file: z.string(),
  name: z.string(),
  methods: z.array(z.string()),
  warnings: z.array(z.string()),
});
export type ValidateAnswer = z.infer<typeof ValidateAnswer>;
