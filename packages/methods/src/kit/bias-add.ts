import * as tf from '@tensorflow/tfjs';
import { attribute, isRecordingGradient, nativeBackend } from './native.js';

const BIAS_ADD = 'AdctlBiasAdd';

/**
 * Adds a bias to every position: `[..., channels] + [channels]`. On the native backend one op each way (TensorFlow's
 * BiasAdd and BiasAddGrad) instead of a broadcast add, a sum and two reshapes.
 */
export function biasAdd<T extends tf.Tensor>(x: T, bias: tf.Tensor): T {
  if (nativeBackend() === null) return tf.add(x, bias);
  registerOnce();
  return tf.engine().runKernel(BIAS_ADD, { x, bias }) as T;
}

let isRegistered = false;

function registerOnce(): void {
  if (isRegistered) return;
  isRegistered = true;
  tf.registerKernel({
    kernelName: BIAS_ADD,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs }) => {
      const native = nativeBackend()!;
      const attributes = [attribute.type(native, 'T', 'float32'), attribute.string(native, 'data_format', 'NHWC')];
      return native.executeSingleOutput('BiasAdd', attributes, [inputs.x!, inputs.bias!]);
    },
  });
  tf.registerGradient({
    kernelName: BIAS_ADD,
    gradFunc: (dy) => {
      const upstream = dy as tf.Tensor;
      return { x: () => upstream.clone(), bias: () => sumOverPositions(upstream) };
    },
  });
}

function sumOverPositions(dy: tf.Tensor): tf.Tensor {
  const native = nativeBackend();
  if (native === null || isRecordingGradient()) {
    return tf.sum(
      dy,
      dy.shape.slice(0, -1).map((_, axis) => axis),
    );
  }
  const attributes = [attribute.type(native, 'T', 'float32'), attribute.string(native, 'data_format', 'NHWC')];
  return native.executeSingleOutput('BiasAddGrad', attributes, [dy]);
}
