import { z } from 'zod';

/** `adctl admin nats-users`; seeds stay in their files. */
export const NatsUsersAnswer = z.object({
  folder: z.string(),
  /** The `authorization` block of the server's configuration. */
  authorizationFile: z.string(),
  /** The same as values of the Helm chart with an own NATS server. */
  valuesFile: z.string(),
  users: z.array(
    z.object({
      name: z.string(),
      role: z.enum(['controller', 'worker', 'cli', 'admin']),
      publicKey: z.string(),
      seedFile: z.string(),
    }),
  ),
});
export type NatsUsersAnswer = z.infer<typeof NatsUsersAnswer>;
