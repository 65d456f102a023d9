import { describe, expect, test } from 'vitest';
import type { LayerPlan, NetworkPlan } from './network-plan.js';
import { summarizeNetwork } from './network-summary.js';

function plan(input: number[], ...layers: LayerPlan[]): NetworkPlan {
  return { name: 'net', input, layers };
}

describe('network plan', () => {
  test.each([
    ['same', 1, 7, 7],
    ['same', 2, 7, 4],
    ['valid', 1, 7, 5],
    ['valid', 2, 7, 3],
  ] as const)('a %s convolution with stride %i takes side %i to %i', (padding, strides, from, to) => {
    const summary = summarizeNetwork(
      plan([from, from, 2], { kind: 'conv2d', name: 'c', filters: 5, kernelSize: 3, strides, padding }),
    );

    expect(summary.output).toEqual([to, to, 5]);
    expect(summary.trainable).toBe(3 * 3 * 2 * 5 + 5);
  });

  test.each([
    ['same', 2, 7, 14],
    ['valid', 2, 5, 13],
    ['valid', 1, 1, 5],
  ] as const)('a %s transposed convolution with stride %i takes side %i to %i', (padding, strides, from, to) => {
    const layer: LayerPlan = { kind: 'conv2dTranspose', name: 'c', filters: 3, kernelSize: 5, strides, padding };
    const summary = summarizeNetwork(plan([from, from, 2], layer));

    expect(summary.output).toEqual([to, to, 3]);
    expect(summary.layers[0]!.parameters[0]!.shape).toEqual([5, 5, 3, 2]);
  });

  test.each([7, 8])('a transposed convolution of stride 2 takes side 4 back to %i when told so', (side) => {
    const summary = summarizeNetwork(
      plan([4, 4, 2], {
        kind: 'conv2dTranspose',
        name: 'c',
        filters: 3,
        kernelSize: 3,
        strides: 2,
        padding: 'same',
        outputSize: [side, side],
      }),
    );

    expect(summary.output).toEqual([side, side, 3]);
  });

  test('counts trainable parameters and moving averages apart', () => {
    const summary = summarizeNetwork(
      plan(
        [4, 4, 3],
        { kind: 'flatten', name: 'flat' },
        { kind: 'dense', name: 'dense', units: 10, bias: false },
        { kind: 'batchNorm', name: 'norm' },
        { kind: 'activation', name: 'act', activation: 'relu' },
        { kind: 'dropout', name: 'drop', rate: 0.5 },
        { kind: 'reshape', name: 'grid', shape: [1, 2, 5] },
      ),
    );

    expect(summary.output).toEqual([1, 2, 5]);
    expect(summary.trainable).toBe(48 * 10 + 2 * 10);
    expect(summary.nonTrainable).toBe(2 * 10);
    expect(summary.layers.map((layer) => layer.trainable)).toEqual([0, 480, 20, 0, 0, 0]);
  });

  test('a tied layer owns its bias alone', () => {
    const summary = summarizeNetwork(
      plan([3], { kind: 'dense', name: 'out', units: 7, tiedTo: { network: 'encoder', layer: 'code' } }),
    );

    expect(summary.trainable).toBe(7);
  });

  test('a layer wired by hand states its own input', () => {
    const summary = summarizeNetwork(
      plan(
        [8, 8, 1],
        { kind: 'conv2d', name: 'down', filters: 4, kernelSize: 3, strides: 2, padding: 'same' },
        { kind: 'conv2d', name: 'joined', inputShape: [4, 4, 9], filters: 2, kernelSize: 1, padding: 'same' },
      ),
    );

    expect(summary.output).toEqual([4, 4, 2]);
    expect(summary.layers[1]!.trainable).toBe(9 * 2 + 2);
  });

  test.each<[string, NetworkPlan, RegExp]>([
    [
      'a repeated name',
      plan([4], { kind: 'dense', name: 'a', units: 2 }, { kind: 'dense', name: 'a', units: 2 }),
      /'net', layer 'a' \(dense\): the name is used twice/,
    ],
    ['a dense layer on an image', plan([4, 4, 1], { kind: 'dense', name: 'a', units: 2 }), /needs a flat input/],
    [
      'a convolution of a vector',
      plan([4], { kind: 'conv2d', name: 'a', filters: 1, kernelSize: 3, padding: 'same' }),
      /needs \[height, width, channels\], got \[4\]/,
    ],
    [
      'a kernel larger than its valid input',
      plan([3, 3, 1], { kind: 'conv2d', name: 'a', filters: 1, kernelSize: 5, padding: 'valid' }),
      /input \[3,3,1\] gives the impossible output \[-1,-1,1\]/,
    ],
    [
      'an output size that no convolution of the stride leads back from',
      plan([4, 4, 1], {
        kind: 'conv2dTranspose',
        name: 'a',
        filters: 1,
        kernelSize: 3,
        strides: 2,
        padding: 'same',
        outputSize: [7, 9],
      }),
      /no 'same' convolution of stride 2 takes \[7,9\] to \[4,4\]/,
    ],
    ['a reshape to another size', plan([6], { kind: 'reshape', name: 'a', shape: [2, 2] }), /cannot turn \[6\] into/],
    ['a dropout of everything', plan([6], { kind: 'dropout', name: 'a', rate: 1 }), /rate 1 is not in \[0, 1\)/],
    ['zero units', plan([6], { kind: 'dense', name: 'a', units: 0 }), /impossible output \[0\]/],
  ])('refuses %s', (_what, broken, message) => {
    expect(() => summarizeNetwork(broken)).toThrow(message);
  });
});
