import { z } from 'zod';

/** Size of the images that a model sees, in pixels and colours. */
export const ImageSize = z.object({ height: z.int().min(1), width: z.int().min(1), channels: z.int().min(1).max(4) });
