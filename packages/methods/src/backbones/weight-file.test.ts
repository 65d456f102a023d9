import { describe, expect, test } from 'vitest';
import { summarizeNetwork } from '../kit/network-summary.js';
import { encodeSafetensors, type SafetensorsTensor } from '../kit/safetensors.js';
import type { BackboneEnd, BackboneName } from './architecture.js';
import { backboneOf } from './registry.js';
import { torchNameOf, torchShapeOf } from './torch-layout.js';
import { convertWeightFile, readBackboneWeights } from './weight-file.js';

type Tensors = Map<string, SafetensorsTensor>;

/** Tensors of a published file: every value is its tensor's number, so that mix-ups show. */
function tensorsOf(name: BackboneName, end: BackboneEnd = 'taps'): Tensors {
  const tensors: Tensors = new Map();
  const summary = summarizeNetwork(backboneOf(name).plan({ network: 'net', height: 224, width: 224, end }));
  for (const layer of summary.layers) {
    for (const parameter of layer.parameters) {
      const shape = torchShapeOf(layer, parameter);
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(tensors.size / 8);
      tensors.set(torchNameOf(layer, parameter), { dtype: 'F32', shape, data });
    }
  }
  return tensors;
}

const fileOf = (tensors: Tensors) => encodeSafetensors({ tensors, metadata: { format: 'pt' } });
const renamed = (tensors: Tensors, rename: (name: string) => string): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [rename(name), tensor]));
const counter: SafetensorsTensor = { dtype: 'I64', shape: [], data: BigInt64Array.of(7n) };

describe('taking weights out of a file', () => {
  test('finds the architecture, uses what the features need and the whole classifier, ignores counters', () => {
    const tensors = tensorsOf('resnet18', 'classes').set('bn1.num_batches_tracked', counter);
    const converted = convertWeightFile(fileOf(tensors), 'r.safetensors');

    expect(converted).toMatchObject({
      architecture: 'resnet18',
      used: 102,
      ignored: ['bn1.num_batches_tracked'],
      dtypes: ['F32'],
      hasClasses: true,
      notes: [],
    });
    const [file, again] = [converted.file, convertWeightFile(converted.file, 'again')];
    expect(again.sha256).toBe(converted.sha256);
    expect(readBackboneWeights(file, 'cache')).toMatchObject({
      architecture: 'resnet18',
      sha256: converted.sha256,
      hasClasses: true,
    });
  });

  test('does without a classifier, and with a prefix before every name', () => {
    const bare = convertWeightFile(fileOf(tensorsOf('efficientnet-lite0')), 'a');
    const prefixed = convertWeightFile(
      fileOf(renamed(tensorsOf('efficientnet-lite0'), (name) => `module.${name}`)),
      'b',
    );

    expect(bare).toMatchObject({ architecture: 'efficientnet-lite0', hasClasses: false });
    expect(bare.notes[0]).toMatch(/--as efficientnet-lite0-torch/);
    expect(prefixed.sha256).toBe(bare.sha256);
    const torch = convertWeightFile(fileOf(tensorsOf('efficientnet-lite0')), 'a', 'efficientnet-lite0-torch');
    expect(torch.architecture).toBe('efficientnet-lite0-torch');
    expect(torch.sha256).not.toBe(bare.sha256);
  });

  test('knows the underscored names of EfficientNet-Lite0, blocks numbered straight through', () => {
    const plain = tensorsOf('efficientnet-lite0', 'classes');
    const first = [1, 3, 5, 8, 11, 15];
    const underscored = renamed(plain, (name) => {
      const [, stage, repeat, layer] = /^blocks\.(\d)\.(\d)\.(.+)$/.exec(name) ?? [];
      if (layer === undefined) {
        const outside = [
          ['conv_stem', '_conv_stem'],
          ['bn1', '_bn0'],
          ['conv_head', '_conv_head'],
          ['bn2', '_bn1'],
          ['classifier', '_fc'],
        ] as const;
        return outside.reduce((text, [from, to]) => text.replace(new RegExp(`^${from}\\.`), `${to}.`), name);
      }
      const block = Number(stage) === 0 ? 0 : first[Number(stage) - 1]! + Number(repeat);
      const inside =
        Number(stage) === 0
          ? { conv_dw: '_depthwise_conv', bn1: '_bn1', conv_pw: '_project_conv', bn2: '_bn2' }
          : {
              conv_pw: '_expand_conv',
              bn1: '_bn0',
              conv_dw: '_depthwise_conv',
              bn2: '_bn1',
              conv_pwl: '_project_conv',
              bn3: '_bn2',
            };
      const [own, suffix] = layer.split('.') as [keyof typeof inside, string];
      return `_blocks.${block}.${inside[own]}.${suffix}`;
    });

    expect(convertWeightFile(fileOf(underscored), 'u').sha256).toBe(convertWeightFile(fileOf(plain), 'p').sha256);
  });

  test('tells the Caffe port of VGG16 by its classifier of NaNs', () => {
    const bias = (value: number): SafetensorsTensor => ({
      dtype: 'F32',
      shape: [1000],
      data: new Float32Array(1000).fill(value),
    });
    const convert = (value: number, as?: BackboneName) =>
      convertWeightFile(fileOf(tensorsOf('vgg16').set('classifier.6.bias', bias(value))), 'v', as);

    expect(convert(Number.NaN)).toMatchObject({ architecture: 'vgg16-caffe', notes: [expect.stringMatching(/Caffe/)] });
    expect(convert(Number.NaN, 'vgg16').architecture).toBe('vgg16');
    expect(convert(0)).toMatchObject({ architecture: 'vgg16', notes: [] });
  });

  test('puts every kernel element where our layout has it', () => {
    const tensors = tensorsOf('efficientnet-lite0');
    const shape = [32, 3, 3, 3];
    const data = Float32Array.from({ length: 32 * 27 }, (_, i) => {
      const [o, c, y, x] = [Math.floor(i / 27), Math.floor(i / 9) % 3, Math.floor(i / 3) % 3, i % 3];
      return 1000 * o + 100 * c + 10 * y + x;
    });
    tensors.set('conv_stem.weight', { dtype: 'F32', shape, data });
    const depthwise = Float32Array.from(
      { length: 32 * 9 },
      (_, i) => 100 * Math.floor(i / 9) + 10 * Math.floor((i % 9) / 3) + (i % 3),
    );
    tensors.set('blocks.0.0.conv_dw.weight', { dtype: 'F32', shape: [32, 1, 3, 3], data: depthwise });
    const weights = readBackboneWeights(convertWeightFile(fileOf(tensors), 'f').file, 'cache');
    const layerOf = (name: string) => {
      const plan = backboneOf('efficientnet-lite0').plan({ network: 'net', height: 32, width: 32 });
      return summarizeNetwork(plan).layers.find((layer) => layer.plan.name === name)!;
    };
    const valuesOf = (name: string) => weights.valuesOf(layerOf(name), layerOf(name).parameters[0]!);
    const [stem, dw] = [valuesOf('conv_stem'), valuesOf('blocks.0.0.conv_dw')];

    for (const [y, x, c, o] of [
      [0, 0, 0, 0],
      [2, 1, 2, 31],
      [1, 2, 0, 17],
    ] as const) {
      expect(stem[((y * 3 + x) * 3 + c) * 32 + o]).toBe(1000 * o + 100 * c + 10 * y + x);
      expect(dw[(y * 3 + x) * 32 + o]).toBe(100 * o + 10 * y + x);
    }
  });
});

describe('refuses', () => {
  const invalid = (reason: RegExp) =>
    expect.objectContaining({ code: 'backbone_invalid', kind: 'user', message: expect.stringMatching(reason) });
  const unknown = (reason: RegExp) =>
    expect.objectContaining({ code: 'backbone_unknown', kind: 'user', message: expect.stringMatching(reason) });

  test('a missing tensor, naming file and tensor', () => {
    const tensors = tensorsOf('resnet18');
    tensors.delete('layer3.0.bn2.running_var');

    expect(() => convertWeightFile(fileOf(tensors), 'dir/r.safetensors')).toThrow(
      invalid(/^dir\/r\.safetensors: tensor 'layer3\.0\.bn2\.running_var' of shape \[256\] is missing$/),
    );
  });

  test('a tensor of the wrong shape, of whole numbers, or not finite', () => {
    const change = (name: string, tensor: SafetensorsTensor) => () =>
      convertWeightFile(fileOf(tensorsOf('vgg16').set(name, tensor)), 'v');

    expect(change('features.5.bias', { dtype: 'F32', shape: [64], data: new Float32Array(64) })).toThrow(
      invalid(/'features\.5\.bias' has shape \[64\], it must be \[128\]/),
    );
    expect(change('features.0.bias', { dtype: 'I32', shape: [64], data: new Int32Array(64) })).toThrow(
      invalid(/'features\.0\.bias' is of dtype I32, not a float/),
    );
    expect(
      change('features.0.bias', { dtype: 'F32', shape: [64], data: new Float32Array(64).fill(Number.NaN) }),
    ).toThrow(invalid(/'features\.0\.bias' holds values that are not finite/));
  });

  test('a file that is cut short, naming the tensor', () => {
    const file = fileOf(tensorsOf('resnet18'));

    expect(() => convertWeightFile(file.subarray(0, file.length - 4), 'r')).toThrow(
      invalid(/^r: .*tensor 'layer4\.1\.bn2\.running_var' ends at byte .* cut short/),
    );
    expect(() => convertWeightFile(new Uint8Array(5), 'r')).toThrow(invalid(/too few/));
  });

  test('relatives, Keras names, another architecture than asked for, and no network at all', () => {
    const one: SafetensorsTensor = { dtype: 'F32', shape: [1], data: Float32Array.of(0) };
    const withTensor = (name: BackboneName, extra: string) => () =>
      convertWeightFile(fileOf(tensorsOf(name).set(extra, one)), 'x');

    expect(withTensor('vgg16', 'features.1.running_mean')).toThrow(unknown(/vgg16 has no 'features\.1\.running_mean'/));
    expect(withTensor('resnet18', 'layer1.2.conv1.weight')).toThrow(unknown(/'layer1\.2\.conv1\.weight'.*relative/));
    expect(withTensor('efficientnet-lite0', 'blocks.1.0.se.conv_reduce.weight')).toThrow(unknown(/relative/));
    expect(() => convertWeightFile(fileOf(new Map([['block1_conv1/kernel', one]])), 'k')).toThrow(
      unknown(/those of Keras/),
    );
    expect(() => convertWeightFile(fileOf(new Map([['w', one]])), 'w')).toThrow(unknown(/its first tensors are 'w'/));
    expect(() => convertWeightFile(fileOf(tensorsOf('resnet18')), 'r', 'vgg16')).toThrow(
      unknown(/it is of resnet18, not of vgg16/),
    );
  });

  test('a cached file of another kind', () => {
    expect(() => readBackboneWeights(fileOf(tensorsOf('resnet18')), 'c')).toThrow(
      invalid(/not a file that `adctl backbones import` wrote/),
    );
  });
});
