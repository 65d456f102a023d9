import { installFewChannelTranspose } from './few-channel-transpose.js';
import { installGradients } from './gradients.js';

/**
 * Corrects and speeds up TensorFlow.js for this process: gradients on every backend, kernels on the native one.
 * Idempotent; a worker calls it once after loading the engine, before any model is made.
 */
export function prepareEngine(): void {
  installGradients();
  installFewChannelTranspose();
}
