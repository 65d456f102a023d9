import * as tf from '@tensorflow/tfjs';
import { attribute, nativeBackend } from './native.js';
import { scalar } from './scalars.js';

const HALF_SQUARED_NORM = 'AdctlHalfSquaredNorm';

/**
 * `1/2 sum(x^2)`, a scalar; its gradient is `x`, also at zero (where that of `tf.norm` is NaN). One op on the native
 * backend (TensorFlow's L2Loss).
 */
export function halfSquaredNorm(x: tf.Tensor): tf.Scalar {
  if (nativeBackend() === null) return tf.mul(tf.sum(tf.square(x)), scalar(0.5));
  registerOnce();
  return tf.engine().runKernel(HALF_SQUARED_NORM, { x }) as tf.Scalar;
}

let isRegistered = false;

function registerOnce(): void {
  if (isRegistered) return;
  isRegistered = true;
  tf.registerKernel({
    kernelName: HALF_SQUARED_NORM,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs }) => {
      const native = nativeBackend()!;
      return native.executeSingleOutput('L2Loss', [attribute.type(native, 'T', 'float32')], [inputs.x!]);
    },
  });
  tf.registerGradient({
    kernelName: HALF_SQUARED_NORM,
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => tf.mul(x!, dy as tf.Tensor) }),
  });
}
