import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import type { Tf } from './load.js';

/** One check of the self-test; `detail` says what was computed. */
export interface SelfTestCheck {
  readonly name: string;
  readonly passed: boolean;
  readonly detail: string;
}

/** The calls of the native backend that TensorFlow.js has no operation for. */
interface NativeBackend {
  readonly binding: Readonly<
    Record<'TF_ATTR_TYPE' | 'TF_ATTR_FLOAT' | 'TF_ATTR_BOOL' | 'TF_ATTR_STRING' | 'TF_FLOAT', number>
  >;
  executeMultipleOutputs(
    name: string,
    attributes: { name: string; type: number; value: number | boolean | string }[],
    inputs: TensorInfo[],
    outputs: number,
  ): Tensor[];
}

/**
 * Computes four things whose answers are known: a product, a convolution's gradient, a fused batch norm through the
 * raw operation interface, and a training step. Takes well under a second and leaves no tensors behind.
 */
export function runSelfTest(tf: Tf): SelfTestCheck[] {
  const before = tf.memory().numTensors;
  const checks = [
    check('matMul', () => matMul(tf)),
    check('conv2d gradient', () => convolutionGradient(tf)),
    check('FusedBatchNormV3 through executeOp', () => fusedBatchNorm(tf)),
    check('training step', () => trainingStep(tf)),
  ];
  const leaked = tf.memory().numTensors - before;
  return [...checks, { name: 'tensors released', passed: leaked === 0, detail: `${leaked} left` }];
}

/** Two numbers that should be equal. */
interface Outcome {
  readonly actual: number;
  readonly expected: number;
}

function check(name: string, compute: () => Outcome): SelfTestCheck {
  try {
    const { actual, expected } = compute();
    const passed = Math.abs(actual - expected) <= 1e-4 * Math.max(1, Math.abs(expected));
    return { name, passed, detail: `${actual} (expected ${expected})` };
  } catch (error) {
    return { name, passed: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

/** Sum of the product of a [2, 3] matrix 1..6 and ones [3, 2]: every element counts twice. */
function matMul(tf: Tf): Outcome {
  const actual = tf.tidy(() => tf.sum(tf.matMul(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), tf.ones([3, 2]))).arraySync());
  return { actual: Number(actual), expected: 42 };
}

/** Sum over the filter gradient of a 3x3 valid convolution of ones [2, 6, 6, 3]: 2*4*4 positions each, 9*3*4 weights. */
function convolutionGradient(tf: Tf): Outcome {
  const actual = tf.tidy(() => {
    const images = tf.ones<import('@tensorflow/tfjs').Rank.R4>([2, 6, 6, 3]);
    const gradient = tf.grad((filter: Tensor) => tf.sum(tf.conv2d(images, filter.as4D(3, 3, 3, 4), 1, 'valid')));
    return tf.sum(gradient(tf.ones([3, 3, 3, 4]))).arraySync();
  });
  return { actual: Number(actual), expected: 32 * 9 * 3 * 4 };
}

/** Batch variance (population) of 1..8 is 5.25; the operation reports it with Bessel's correction, 6. */
function fusedBatchNorm(tf: Tf): Outcome {
  const backend = tf.backend() as unknown as NativeBackend;
  const { TF_ATTR_TYPE, TF_ATTR_FLOAT, TF_ATTR_BOOL, TF_ATTR_STRING, TF_FLOAT } = backend.binding;
  return tf.tidy(() => {
    const images = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2, 1]);
    const outputs = backend.executeMultipleOutputs(
      'FusedBatchNormV3',
      [
        { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
        { name: 'U', type: TF_ATTR_TYPE, value: TF_FLOAT },
        { name: 'epsilon', type: TF_ATTR_FLOAT, value: 1e-5 },
        { name: 'exponential_avg_factor', type: TF_ATTR_FLOAT, value: 1 },
        { name: 'data_format', type: TF_ATTR_STRING, value: 'NHWC' },
        { name: 'is_training', type: TF_ATTR_BOOL, value: true },
      ],
      [images, tf.ones([1]), tf.zeros([1]), tf.tensor1d([]), tf.tensor1d([])],
      6,
    );
    return { actual: outputs[2]?.dataSync()[0] ?? Number.NaN, expected: 6 };
  });
}

/** One gradient descent step on (w - 3)^2 from w = 0 with rate 0.25 lands on 1.5. */
function trainingStep(tf: Tf): Outcome {
  const weight = tf.tidy(() => tf.variable(tf.scalar(0)));
  const actual = tf.tidy(() => {
    const { grads } = tf.variableGrads(() => tf.square(tf.sub(weight, 3)).asScalar(), [weight]);
    weight.assign(tf.sub(weight, tf.mul(grads[weight.name] ?? Number.NaN, 0.25)));
    return weight.dataSync()[0] ?? Number.NaN;
  });
  weight.dispose();
  return { actual, expected: 1.5 };
}
