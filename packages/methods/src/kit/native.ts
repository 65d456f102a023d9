import * as tf from '@tensorflow/tfjs';

/** An attribute of a TensorFlow op, as the addon takes it. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | readonly number[];
}

/** The part of the `tensorflow` backend that reaches any TensorFlow op by name. */
export interface NativeBackend {
  /** Enum values of the addon, e.g. `TF_FLOAT`, `TF_ATTR_BOOL`. */
  readonly binding: Readonly<Record<string, number>>;
  /** Runs an op with one output; the caller (or the surrounding tidy) owns the result. Not recorded for gradients. */
  executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.TensorInfo[],
    outputCount: number,
  ): tf.Tensor[];
}

/** The native backend when it is the active one, else null; asked at every use because tests switch backends. */
export function nativeBackend(): NativeBackend | null {
  return tf.getBackend() === 'tensorflow' ? (tf.backend() as unknown as NativeBackend) : null;
}

/** Builders of op attributes. */
export const attribute = {
  float: (backend: NativeBackend, name: string, value: number): OpAttribute => ({
    name,
    type: backend.binding.TF_ATTR_FLOAT!,
    value,
  }),
  bool: (backend: NativeBackend, name: string, value: boolean): OpAttribute => ({
    name,
    type: backend.binding.TF_ATTR_BOOL!,
    value,
  }),
  string: (backend: NativeBackend, name: string, value: string): OpAttribute => ({
    name,
    type: backend.binding.TF_ATTR_STRING!,
    value,
  }),
  shape: (backend: NativeBackend, name: string, value: readonly number[]): OpAttribute => ({
    name,
    type: backend.binding.TF_ATTR_SHAPE!,
    value,
  }),
  /** A dtype attribute; only the two types the kit computes with. */
  type: (backend: NativeBackend, name: string, value: 'float32' | 'int32'): OpAttribute => ({
    name,
    type: backend.binding.TF_ATTR_TYPE!,
    value: backend.binding[value === 'float32' ? 'TF_FLOAT' : 'TF_INT32']!,
  }),
};

/**
 * Whether an outer gradient is being recorded while a gradient function runs, so that only ops with gradients of their
 * own may be used: results of `executeSingleOutput` are invisible to the tape and would silently drop second-order terms.
 */
export function isRecordingGradient(): boolean {
  return tf.engine().state.gradientDepth > 0;
}
