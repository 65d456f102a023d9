import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { maxDifference, useJavaScriptBackend, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { createAdam } from './adam.js';
import { minimize } from './minimize.js';
import type { NamedVariable } from './network.js';
import type { Optimizer, ParameterSource } from './optimizer.js';
import { createRmsProp } from './rms-prop.js';
import { disposeScalars } from './scalars.js';
import { createSgd } from './sgd.js';

function source(...tensors: tf.Tensor[]): ParameterSource {
  return {
    trainable: tensors.map((tensor, i): NamedVariable => {
      return { name: `net/layer${i}/kernel`, parameter: 'kernel', variable: tf.variable(tensor) };
    }),
  };
}

function values(parameters: ParameterSource): number[] {
  return parameters.trainable.flatMap((v) => Array.from(v.variable.dataSync()));
}

function saved(optimizer: Optimizer) {
  const state = optimizer.state();
  const copy = { ...state, slots: state.slots.map((s) => ({ name: s.name, tensor: s.tensor.clone() })) };
  for (const slot of state.slots) slot.tensor.dispose();
  return copy;
}

describe.each([
  ['native', useNativeEngine],
  ['plain JavaScript', useJavaScriptBackend],
] as const)('optimizers on the %s backend', (_name, useBackend) => {
  beforeAll(useBackend);
  afterAll(disposeScalars);

  test('Adam follows a sequence worked by hand', () => {
    // p = 1, learning rate 0.1, betas 0.9 and 0.99, epsilon 0.1 (large, to tell it from TensorFlow's epsilon hat).
    // t = 1, g = 2:  m = 0.2, v = 0.04; m^ = 2, v^ = 4; p = 1 - 0.1 * 2 / (2 + 0.1) = 0.9047619.
    // t = 2, g = -1: m = 0.08, v = 0.0496; m^ = 0.08 / 0.19 = 0.4210526, v^ = 0.0496 / 0.0199 = 2.4924623;
    //   sqrt = 1.5787534; p = 0.9047619 - 0.1 * 0.4210526 / 1.6787534 = 0.8796807.
    // t = 3, g = 0.5: m = 0.122, v = 0.051604; m^ = 0.122 / 0.271 = 0.4501845, v^ = 0.051604 / 0.029701 = 1.7374499;
    //   sqrt = 1.3181236; p = 0.8796807 - 0.1 * 0.4501845 / 1.4181236 = 0.8479356.
    const parameters = source(tf.tensor1d([1]));
    const adam = createAdam([parameters], { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 0.1 });
    const path = [2, -1, 0.5].map((g) => {
      adam.update([tf.tensor1d([g])]);
      return values(parameters)[0]!;
    });

    for (const [i, expected] of [0.9047619, 0.8796807, 0.8479356].entries()) expect(path[i]).toBeCloseTo(expected, 6);
    expect(adam.stepCount).toBe(3);
    adam.dispose();
  });

  test('gradient descent with momentum follows a sequence worked by hand', () => {
    // v: 2, 0.5 * 2 - 1 = 0, 0.5 * 0 + 4 = 4; p: 1 - 0.2 = 0.8, 0.8, 0.8 - 0.4 = 0.4.
    // Nesterov adds half the new velocity: g + 0.5 v = 3, -1, 6; p: 0.7, 0.8, 0.2.
    const run = (nesterov: boolean) => {
      const parameters = source(tf.tensor1d([1]));
      const sgd = createSgd([parameters], { learningRate: 0.1, momentum: 0.5, nesterov });
      return [2, -1, 4].map((g) => {
        sgd.update([tf.tensor1d([g])]);
        return values(parameters)[0]!;
      });
    };

    for (const [i, expected] of [0.8, 0.8, 0.4].entries()) expect(run(false)[i]).toBeCloseTo(expected, 6);
    for (const [i, expected] of [0.7, 0.8, 0.2].entries()) expect(run(true)[i]).toBeCloseTo(expected, 6);
  });

  test('RMSProp follows a sequence worked by hand', () => {
    // p = 1, learning rate 0.1, decay 0.9, epsilon 0.01 inside the root, mean square from 1.
    // g = 2: s = 0.9 + 0.4 = 1.3; p = 1 - 0.2 / sqrt(1.31) = 0.8252596.
    // g = -1: s = 1.17 + 0.1 = 1.27; p = 0.8252596 + 0.1 / sqrt(1.28) = 0.9136479.
    const parameters = source(tf.tensor1d([1]));
    const rmsProp = createRmsProp([parameters], { learningRate: 0.1, decay: 0.9, epsilon: 0.01 });
    const path = [2, -1].map((g) => {
      rmsProp.update([tf.tensor1d([g])]);
      return values(parameters)[0]!;
    });
    const fromZero = source(tf.tensor1d([1]));
    createRmsProp([fromZero], { learningRate: 0.1, epsilon: 0, initialMeanSquare: 0 }).update([tf.tensor1d([2])]);

    for (const [i, expected] of [0.8252596, 0.9136479].entries()) expect(path[i]).toBeCloseTo(expected, 6);
    expect(values(fromZero)[0]).toBeCloseTo(1 - 0.1 / Math.sqrt(0.1), 6);
  });

  test('plain gradient descent takes the learning rate it is given last', () => {
    const parameters = source(tf.tensor1d([1]));
    const sgd = createSgd([parameters], { learningRate: 0.1 });
    sgd.update([tf.tensor1d([1])]);
    sgd.learningRate = 0.5;
    sgd.update([tf.tensor1d([1])]);

    expect(values(parameters)[0]).toBeCloseTo(0.4, 6);
  });

  test.each([
    ['adam', (p: ParameterSource) => createAdam([p], { learningRate: 0.05 })],
    ['rmsprop', (p: ParameterSource) => createRmsProp([p], { learningRate: 0.05 })],
    ['sgd', (p: ParameterSource) => createSgd([p], { learningRate: 0.05, momentum: 0.9 })],
  ] as const)('%s continues bit for bit from a saved state', (_kind, create) => {
    const gradients = (t: number) => [waves([3, 2], t), waves([4], 2 * t)];
    const original = source(waves([3, 2], 9), waves([4], 8));
    const optimizer = create(original);
    for (let t = 0; t < 5; t++) optimizer.update(gradients(t));
    const state = saved(optimizer);
    const resumed = source(...original.trainable.map((v) => v.variable.clone()));
    const continued = create(resumed);
    continued.update(gradients(77)); // a state of its own that restoring must replace
    for (const [i, v] of resumed.trainable.entries()) v.variable.assign(original.trainable[i]!.variable.clone());
    continued.restore(state);

    for (let t = 5; t < 10; t++) {
      optimizer.update(gradients(t));
      continued.update(gradients(t));
    }

    expect(values(resumed)).toEqual(values(original));
    optimizer.dispose();
    continued.dispose();
  });

  test('refuses a state of another kind or shape', () => {
    const parameters = source(waves([3, 2]));
    const adam = createAdam([parameters], { learningRate: 0.1 });
    const sgd = createSgd([parameters], { learningRate: 0.1, momentum: 0.9 });
    const other = createAdam([source(waves([2, 3]))], { learningRate: 0.1 });

    expect(() => adam.restore(saved(sgd))).toThrow(/kind 'sgd', this optimizer is 'adam'/);
    expect(() => adam.restore(saved(other))).toThrow(/has shape \[2,3\], 'net\/layer0\/kernel' \[3,2\]/);
  });

  test('minimize moves the variables of its optimizers alone and reports every term', () => {
    const [moved, fixed] = [source(tf.tensor1d([2])), source(tf.tensor1d([3]))];
    const product = () => tf.sum(tf.mul(moved.trainable[0]!.variable, fixed.trainable[0]!.variable)) as tf.Scalar;
    const terms = minimize(createSgd([moved], { learningRate: 0.1 }), () => {
      const data = product();
      return { total: tf.mul(data, 2) as tf.Scalar, data };
    });

    expect(terms.data.dataSync()[0]).toBeCloseTo(6, 6);
    expect(terms.total.dataSync()[0]).toBeCloseTo(12, 6);
    expect(values(moved)[0]).toBeCloseTo(2 - 0.1 * 6, 6);
    expect(values(fixed)[0]).toBe(3);
  });

  test('minimize with two optimizers moves both from the same gradients', () => {
    const [a, b] = [source(tf.tensor1d([2])), source(tf.tensor1d([3]))];
    minimize([createSgd([a], { learningRate: 0.1 }), createSgd([b], { learningRate: 0.2 })], () => ({
      total: tf.sum(tf.mul(a.trainable[0]!.variable, b.trainable[0]!.variable)) as tf.Scalar,
    }));

    expect([values(a)[0], values(b)[0]].map((x) => x!.toFixed(4))).toEqual(['1.7000', '2.6000']);
  });

  test('minimize names a variable the loss does not depend on', () => {
    const [used, unused] = [source(tf.tensor1d([2])), source(tf.tensor1d([3]))];
    const optimizer = createSgd([used, { trainable: [{ ...unused.trainable[0]!, name: 'net/lost/bias' }] }], {
      learningRate: 0.1,
    });

    expect(() =>
      minimize(optimizer, () => ({ total: tf.sum(tf.square(used.trainable[0]!.variable)) as tf.Scalar })),
    ).toThrow(/does not depend on 'net\/lost\/bias'/);
  });
});

describe('native Adam', () => {
  beforeAll(useNativeEngine);

  test('goes on from a variable that somebody else wrote', () => {
    const parameters = source(tf.tensor1d([1, 1]));
    const adam = createAdam([parameters], { learningRate: 0.1 });
    adam.update([tf.tensor1d([1, 1])]);
    parameters.trainable[0]!.variable.assign(tf.tensor1d([5, 7]));
    adam.update([tf.tensor1d([1, 1])]);

    expect(maxDifference(parameters.trainable[0]!.variable, tf.tensor1d([4.9, 6.9]))).toBeLessThan(1e-5);
    adam.dispose();
  });

  test('agrees with the composed Adam over many steps', async () => {
    const run = () => {
      const parameters = source(waves([5, 4]));
      const adam = createAdam([parameters], { learningRate: 1e-2 });
      for (let t = 0; t < 40; t++) adam.update([tf.mul(waves([5, 4], t), 0.1)]);
      return values(parameters);
    };
    const native = run();
    await useJavaScriptBackend();
    const composed = run();
    await useNativeEngine();

    for (const [i, value] of native.entries()) expect(value).toBeCloseTo(composed[i]!, 4);
  });
});
