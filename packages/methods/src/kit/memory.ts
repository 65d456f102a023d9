import { AdctlError } from '@adctl/protocol';
import * as tf from '@tensorflow/tfjs';

/** Live tensors in this process. */
export function countTensors(): number {
  return tf.memory().numTensors;
}

/** Watches the number of live tensors between two points of a program. */
export interface TensorGuard {
  /**
   * @param allowed tensors that may have been added since the guard was set, default 0.
   * @throws AdctlError `tensor_leak` (bug) with the counts when there are more.
   */
  check(allowed?: number): void;
}

/**
 * Remembers the current number of tensors. A worker sets one before a trial and checks it after disposing: a leak
 * then names the trial instead of filling the memory some hours later.
 * @param what goes into the message, e.g. `trial t-12`.
 */
export function guardTensors(what: string): TensorGuard {
  const before = countTensors();
  return {
    check(allowed = 0) {
      const after = countTensors();
      if (after - before <= allowed) return;
      throw new AdctlError(
        `${what} left ${after - before - allowed} tensors behind (${before} before, ${after} after)`,
        {
          code: 'tensor_leak',
          kind: 'bug',
          details: { before, after, allowed },
        },
      );
    },
  };
}
