import { z } from 'zod';

/**
 * The version of a message whose first writers did not name one: what comes without is of version 1, and other versions are
 * refused. Messages that always had one say `z.literal(1)`.
 */
export const Version1 = z.literal(1).default(1);
