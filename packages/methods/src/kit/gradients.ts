import * as tf from '@tensorflow/tfjs';
import { attribute, isRecordingGradient, nativeBackend } from './native.js';
import { scalar } from './scalars.js';

/**
 * Corrects what TensorFlow.js 4.22 gets silently wrong or leaves out, for every backend of this process. Idempotent.
 * A worker calls it once after loading the engine, before any training. All are checked against finite differences.
 *
 * | kernel | stock | here |
 * | --- | --- | --- |
 * | MirrorPad | gradient drops what the mirrored border adds (error about 100 %) | border added back; one op on the native backend, first order |
 * | ResizeBilinear, half-pixel centres | gradient of another resize (60 to 300 % off) | exact, by interpolation matrices |
 * | ResizeNearestNeighbor by whole factors | no repeatable kernel on GPUs | pooling, the same bits on CPUs for factors 2, 4, 8 |
 * | Tanh, Sigmoid, Exp, Elu | saved output cuts the outer tape: second order wrong or refused | recomputed from the input |
 * | comparisons, logical ops | no gradient, so `where(cond(x), ..)` fails | zero |
 * | DepthToSpace, FlipLeftRight, GatherNd, TopK | no gradient | added |
 * | Relu, LeakyRelu | correct, three to four ops | one fused op on the native backend, first order |
 *
 * A convolution with dilation above 1 still has no gradient: use spaceToBatchND, a plain convolution, batchToSpaceND.
 * Explicit numeric padding throws on the native backend: use `tf.pad` and 'valid'.
 */
export function installGradients(): void {
  if (isInstalled) return;
  isInstalled = true;
  const resizes = [resizeBilinear(), resizeNearestNeighbor()];
  for (const config of [...comparisons(), ...activations(), ...rearrangements(), mirrorPad(), ...resizes]) {
    if (tf.getGradient(config.kernelName) != null) tf.unregisterGradient(config.kernelName);
    tf.registerGradient(config);
  }
}

let isInstalled = false;

/** A comparison is flat wherever it is differentiable. */
function comparisons(): tf.GradConfig[] {
  const binary = ['Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Equal', 'NotEqual', 'LogicalAnd', 'LogicalOr'];
  return [
    ...binary.map(
      (kernelName): tf.GradConfig => ({
        kernelName,
        inputsToSave: ['a', 'b'],
        gradFunc: (_dy, [a, b]) => ({ a: () => tf.zeros(a!.shape), b: () => tf.zeros(b!.shape) }),
      }),
    ),
    { kernelName: 'LogicalNot', inputsToSave: ['x'], gradFunc: (_dy, [x]) => ({ x: () => tf.zeros(x!.shape) }) },
  ];
}

/**
 * First order uses what is cheapest. While an outer gradient is being recorded everything is recomputed from the
 * input with ops that have gradients themselves.
 */
function activations(): tf.GradConfig[] {
  return [
    {
      kernelName: 'Tanh',
      inputsToSave: ['x'],
      outputsToSave: [true],
      gradFunc: (dy, [x, y]) => ({
        x: () => {
          const fused = fusedActivationGradient('TanhGrad', [y!, dy as tf.Tensor]);
          return fused ?? tf.mul(dy as tf.Tensor, tf.sub(1, tf.square(tf.tanh(x!))));
        },
      }),
    },
    {
      kernelName: 'Sigmoid',
      inputsToSave: ['x'],
      outputsToSave: [true],
      gradFunc: (dy, [x, y]) => ({
        x: () => {
          const fused = fusedActivationGradient('SigmoidGrad', [y!, dy as tf.Tensor]);
          if (fused !== null) return fused;
          const value = tf.sigmoid(x!);
          return tf.mul(dy as tf.Tensor, tf.mul(value, tf.sub(1, value)));
        },
      }),
    },
    {
      kernelName: 'Relu',
      inputsToSave: ['x'],
      gradFunc: (dy, [x]) => ({
        x: () =>
          fusedActivationGradient('ReluGrad', [dy as tf.Tensor, x!]) ??
          tf.mul(dy as tf.Tensor, tf.cast(tf.greater(x!, 0), 'float32')),
      }),
    },
    {
      kernelName: 'LeakyRelu',
      inputsToSave: ['x'],
      gradFunc: (dy, [x], attributes) => ({
        x: () => {
          const slope = (attributes as { alpha: number }).alpha;
          const fused = fusedActivationGradient('LeakyReluGrad', [dy as tf.Tensor, x!], slope);
          return fused ?? tf.where(tf.greater(x!, 0), dy as tf.Tensor, tf.mul(dy as tf.Tensor, slope));
        },
      }),
    },
    {
      kernelName: 'Exp',
      inputsToSave: ['x'],
      gradFunc: (dy, [x]) => ({ x: () => tf.mul(dy as tf.Tensor, tf.exp(x!)) }),
    },
    {
      kernelName: 'Elu',
      inputsToSave: ['x'],
      gradFunc: (dy, [x]) => ({
        x: () => tf.mul(dy as tf.Tensor, tf.where(tf.greater(x!, 0), tf.onesLike(x!), tf.exp(tf.minimum(x!, 0)))),
      }),
    },
  ];
}

function fusedActivationGradient(op: string, inputs: tf.Tensor[], slope?: number): tf.Tensor | null {
  const native = nativeBackend();
  if (native === null || isRecordingGradient()) return null;
  const attributes = [attribute.type(native, 'T', 'float32')];
  if (slope !== undefined) attributes.push(attribute.float(native, 'alpha', slope));
  return native.executeSingleOutput(op, attributes, inputs);
}

/** Ops that only move values: the gradient moves them back. */
function rearrangements(): tf.GradConfig[] {
  return [
    {
      kernelName: 'DepthToSpace',
      inputsToSave: ['x'],
      gradFunc: (dy, [x], attributes) => ({
        x: () => {
          const { blockSize: block } = attributes as unknown as { blockSize: number };
          const [batch, height, width, channels] = x!.shape as [number, number, number, number];
          const split = tf.reshape(dy as tf.Tensor, [batch, height, block, width, block, channels / (block * block)]);
          return tf.reshape(tf.transpose(split, [0, 1, 3, 2, 4, 5]), x!.shape);
        },
      }),
    },
    { kernelName: 'FlipLeftRight', gradFunc: (dy) => ({ image: () => tf.reverse(dy as tf.Tensor, 2) }) },
    {
      kernelName: 'GatherNd',
      inputsToSave: ['params', 'indices'],
      gradFunc: (dy, [params, indices]) => ({
        params: () => tf.scatterND(indices!, dy as tf.Tensor, params!.shape as tf.ShapeMap[tf.Rank]),
        indices: () => tf.zeros(indices!.shape),
      }),
    },
    {
      kernelName: 'TopK',
      inputsToSave: ['x'],
      outputsToSave: [false, true],
      gradFunc: (dys, [x, indices]) => ({
        x: () => {
          const dValues = Array.isArray(dys) ? dys[0]! : dys;
          const chosen = tf.cast(tf.oneHot(tf.cast(indices!, 'int32'), x!.shape.at(-1)!), 'float32');
          return tf.sum(tf.mul(chosen, tf.expandDims(dValues, -1)), -2);
        },
      }),
    },
  ];
}

/** Every padded row or column is a copy of an inner one, so its gradient is added there, mirrored back. */
function mirrorPad(): tf.GradConfig {
  return {
    kernelName: 'MirrorPad',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attributes) => ({
      x: () => {
        const { mode, paddings } = attributes as unknown as {
          mode: 'reflect' | 'symmetric';
          paddings: readonly (readonly [number, number])[];
        };
        const fused = fusedMirrorPadGradient(dy as tf.Tensor, paddings, mode);
        if (fused !== null) return fused;
        const offset = mode === 'reflect' ? 1 : 0;
        return paddings.reduce(
          (gradient, [before, after], axis) =>
            foldBack(gradient, { axis, before, after, offset, size: x!.shape[axis]! }),
          dy as tf.Tensor,
        );
      },
    }),
  };
}

function fusedMirrorPadGradient(
  dy: tf.Tensor,
  paddings: readonly (readonly [number, number])[],
  mode: 'reflect' | 'symmetric',
): tf.Tensor | null {
  const native = nativeBackend();
  if (native === null || isRecordingGradient()) return null;
  const sides = tf.tensor2d(paddings.flat(), [paddings.length, 2], 'int32');
  const attributes = [
    attribute.type(native, 'T', 'float32'),
    attribute.type(native, 'Tpaddings', 'int32'),
    attribute.string(native, 'mode', mode.toUpperCase()),
  ];
  return native.executeSingleOutput('MirrorPadGrad', attributes, [dy, sides]);
}

interface Fold {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
  readonly offset: number;
  readonly size: number;
}

function foldBack(gradient: tf.Tensor, { axis, before, after, offset, size }: Fold): tf.Tensor {
  if (before === 0 && after === 0) return gradient;
  const cut = (start: number, length: number) =>
    tf.slice(
      gradient,
      gradient.shape.map((_, i) => (i === axis ? start : 0)),
      gradient.shape.map((side, i) => (i === axis ? length : side)),
    );
  const place = (part: tf.Tensor, start: number) =>
    tf.pad(
      part,
      part.shape.map((side, i): [number, number] => (i === axis ? [start, size - start - side] : [0, 0])),
    );
  let inner = cut(before, size);
  if (before > 0) inner = tf.add(inner, place(tf.reverse(cut(0, before), axis), offset));
  if (after > 0) inner = tf.add(inner, place(tf.reverse(cut(before + size, after), axis), size - after - offset));
  return inner;
}

/** The backward kernels ignore half-pixel centres; a resize is linear, so its gradient is the transposed matrices. */
function resizeBilinear(): tf.GradConfig {
  const stock = tf.getGradient('ResizeBilinear');
  return {
    ...stock,
    gradFunc: (dy, saved, attributes) => {
      if (!(attributes as { halfPixelCenters: boolean }).halfPixelCenters) {
        return stock.gradFunc(dy, saved, attributes);
      }
      return {
        images: () => {
          const [batch, height, width, channels] = saved[0]!.shape as [number, number, number, number];
          const [, h, w] = (dy as tf.Tensor).shape as [number, number, number, number];
          const rowsFirst = tf.reshape(tf.transpose(dy as tf.Tensor, [1, 0, 2, 3]), [h, batch * w * channels]);
          const tall = tf.matMul(interpolationMatrix(height, h), rowsFirst, true, false);
          const columnsFirst = tf.transpose(tf.reshape(tall, [height, batch, w, channels]), [2, 1, 0, 3]);
          const flat = tf.reshape(columnsFirst, [w, batch * height * channels]);
          const wide = tf.matMul(interpolationMatrix(width, w), flat, true, false);
          return tf.transpose(tf.reshape(wide, [width, batch, height, channels]), [1, 2, 0, 3]);
        },
      };
    },
  };
}

/**
 * Enlarging by whole factors repeats every pixel, so its gradient is the sum over the copies. TensorFlow's own kernel adds
 * them in no fixed order on a GPU and refuses to run where results must repeat.
 */
function resizeNearestNeighbor(): tf.GradConfig {
  const stock = tf.getGradient('ResizeNearestNeighbor');
  return {
    ...stock,
    gradFunc: (dy, saved, attributes) => {
      const [, height, width] = saved[0]!.shape as [number, number, number, number];
      const [, h, w] = (dy as tf.Tensor).shape as [number, number, number, number];
      const factors: [number, number] = [h / height, w / width];
      if ((attributes as { alignCorners: boolean }).alignCorners || !factors.every(Number.isInteger)) {
        return stock.gradFunc(dy, saved, attributes);
      }
      const copies = scalar(factors[0] * factors[1]);
      return { images: () => tf.mul(tf.avgPool(dy as tf.Tensor4D, factors, factors, 'valid'), copies) };
    },
  };
}

/** `[to, from]`: row i holds the weights with which output i reads the inputs, half-pixel centres. */
function interpolationMatrix(from: number, to: number): tf.Tensor2D {
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const position = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(from - 1, Math.floor(position));
    const high = Math.min(from - 1, low + 1);
    const fraction = position - low;
    weights[i * from + low]! += 1 - fraction;
    weights[i * from + high]! += fraction;
  }
  return tf.tensor2d(weights, [to, from]);
}
