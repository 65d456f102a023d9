import { findMethod } from '@adctl/methods';
import { createAdam, createNetwork, meanSquaredError, minimize, type NetworkPlan } from '@adctl/methods/kit';
import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';

/** One training step of a net on data made beforehand. */
export type Step = () => void;

const INITIALIZER = { kind: 'normal', sd: 0.05 } as const;
const CONTEXT = { seed: 1, generator: createGenerator(1, 'bench') };

/** 28x28x1, batch 128: convolutions 32-64-128 stride 2 and back, batch norm, leaky ReLU, mean squared error. */
function createCae(): Step {
  const norm = (name: string) => ({ kind: 'batchNorm', name }) as const;
  const leaky = (name: string) => ({ kind: 'activation', name, activation: 'leakyRelu' }) as const;
  const layer = (kind: 'conv2d' | 'conv2dTranspose', name: string, filters: number) =>
    ({
      kind,
      name,
      filters,
      kernelSize: 3,
      strides: 2,
      padding: 'same',
      bias: false,
      kernelInitializer: INITIALIZER,
    }) as const;
  const encoder: NetworkPlan = {
    name: 'encoder',
    input: [28, 28, 1],
    layers: [32, 64, 128].flatMap((filters, i) => [layer('conv2d', `c${i}`, filters), norm(`n${i}`), leaky(`a${i}`)]),
  };
  // 4 -> 7 is no doubling, so the first transposed convolution is called by hand below; what follows starts from 7.
  const decoder: NetworkPlan = {
    name: 'decoder',
    input: [4, 4, 128],
    layers: [
      layer('conv2dTranspose', 'd0', 64),
      { ...norm('n0'), inputShape: [7, 7, 64] },
      leaky('a0'),
      layer('conv2dTranspose', 'd1', 32),
      norm('n1'),
      leaky('a1'),
      layer('conv2dTranspose', 'd2', 1),
    ],
  };
  const e = createNetwork(encoder, CONTEXT);
  const d = createNetwork(decoder, CONTEXT);
  const adam = createAdam([e, d], { learningRate: 1e-3, beta1: 0.5 });
  const x = tf.randomUniform([128, 28, 28, 1], -1, 1, 'float32', 7) as tf.Tensor4D;
  const forward = () => {
    const code = e.apply(x, 'train+update') as tf.Tensor4D;
    const kernel = d.variable('d0', 'kernel') as unknown as tf.Tensor4D;
    const seven = tf.conv2dTranspose(code, kernel, [128, 7, 7, 64], 2, 'same');
    let h: tf.Tensor = seven;
    for (const name of ['n0', 'a0', 'd1', 'n1', 'a1', 'd2']) h = d.layer(name).apply(h, 'train+update');
    return tf.tanh(h);
  };
  return () => tf.dispose(minimize(adam, () => ({ total: meanSquaredError(forward(), x) })));
}

/** Wide residual net 10-4 on 32x32x3, batch 128, 72 classes, softmax cross-entropy. */
function createWrn(): Step {
  const convolution = (name: string, filters: number, kernelSize: number, strides: number, inputShape: number[]) =>
    ({
      kind: 'conv2d',
      name,
      filters,
      kernelSize,
      strides,
      padding: 'same',
      bias: false,
      kernelInitializer: INITIALIZER,
      inputShape,
    }) as const;
  const norm = (name: string, inputShape: number[]) => ({ kind: 'batchNorm', name, inputShape }) as const;
  const blocks = [
    { side: 32, input: 16, width: 64, strides: 1 },
    { side: 32, input: 64, width: 128, strides: 2 },
    { side: 16, input: 128, width: 256, strides: 2 },
  ];
  const plan: NetworkPlan = {
    name: 'wrn',
    input: [32, 32, 3],
    layers: [
      convolution('c0', 16, 3, 1, [32, 32, 3]),
      ...blocks.flatMap(({ side, input, width, strides }, b) => [
        norm(`n${b}a`, [side, side, input]),
        convolution(`c${b}a`, width, 3, strides, [side, side, input]),
        norm(`n${b}b`, [side / strides, side / strides, width]),
        convolution(`c${b}b`, width, 3, 1, [side / strides, side / strides, width]),
        convolution(`s${b}`, width, 1, strides, [side, side, input]),
      ]),
      norm('n', [8, 8, 256]),
      { kind: 'dense', name: 'logits', units: 72, inputShape: [256] },
    ],
  };
  const net = createNetwork(plan, CONTEXT);
  const adam = createAdam([net], { learningRate: 1e-3 });
  const x = tf.randomUniform([128, 32, 32, 3], 0, 1, 'float32', 7) as tf.Tensor4D;
  const labels = tf
    .oneHot(
      tf.tensor1d(
        Array.from({ length: 128 }, (_, i) => i % 72),
        'int32',
      ),
      72,
    )
    .toFloat();
  const run = (name: string, h: tf.Tensor) => net.layer(name).apply(h, 'train+update');
  const forward = () => {
    let h = run('c0', x);
    for (const b of blocks.keys()) {
      const a = tf.relu(run(`n${b}a`, h));
      h = tf.add(run(`c${b}b`, tf.relu(run(`n${b}b`, run(`c${b}a`, a)))), run(`s${b}`, a));
    }
    return run('logits', tf.mean(tf.relu(run('n', h)), [1, 2]));
  };
  return () =>
    tf.dispose(minimize(adam, () => ({ total: tf.losses.softmaxCrossEntropy(labels, forward()) as tf.Scalar })));
}

/** The real method, grey 28x28 in `native32`, batch 128, without mining. */
async function createOcganStep(preset: 'default' | 'quick'): Promise<Step> {
  const input = { height: 28, width: 28, channels: 1 };
  const ocgan = findMethod('ocgan');
  const hyperparameters = ocgan.hyperparameters.parse({ ...ocgan.presets[preset](input), mineSteps: 0 });
  const model = await (await ocgan.load())(hyperparameters, { input, ...CONTEXT });
  const images = tf.randomUniform([128, 28, 28, 1], 0, 1, 'float32', 7) as tf.Tensor4D;
  const positions = Int32Array.from({ length: 128 }, (_, i) => i);
  return () => tf.dispose(Object.values(model.trainStep!(images, { epoch: 1, step: 0, positions })));
}

export const NETS: Readonly<Record<string, () => Promise<Step>>> = {
  cae: async () => createCae(),
  'wrn-10-4': async () => createWrn(),
  ocgan: () => createOcganStep('default'),
  'ocgan-quick': () => createOcganStep('quick'),
};
