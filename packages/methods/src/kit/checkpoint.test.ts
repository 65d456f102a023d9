import { readFileSync } from 'node:fs';
import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IS_ON_GPU, useNativeEngine, waves } from '../testing/engine.fixtures.js';
import { createAdam } from './adam.js';
import { createBuffer, fittedContent, isEmpty } from './buffers.js';
import { encodeCheckpoint, encodeWeights, restoreCheckpoint, restoreWeights } from './checkpoint.js';
import { halfSquaredError } from './losses.js';
import { countTensors } from './memory.js';
import { minimize } from './minimize.js';
import { createNetwork, type FrozenWeights, type Network } from './network.js';
import { randomNormal } from './random-tensors.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';
import { disposeScalars } from './scalars.js';

/** A small denoiser with dropout and batch norm: everything that has a state takes part. */
function createDenoiser(seed: number, units = 6) {
  const generator = createGenerator(seed, 'noise');
  const net = createNetwork(
    {
      name: 'net',
      input: [5],
      layers: [
        { kind: 'dense', name: 'in', units },
        { kind: 'batchNorm', name: 'norm' },
        { kind: 'activation', name: 'act', activation: 'tanh' },
        { kind: 'dropout', name: 'drop', rate: 0.2 },
        { kind: 'dense', name: 'out', units: 5 },
      ],
    },
    { seed, generator },
  );
  const optimizer = createAdam([net], { learningRate: 1e-2 });
  const images = waves([8, 5]);
  return {
    generator,
    networks: { net },
    optimizers: { net: optimizer },
    step() {
      tf.tidy(() => {
        const noisy = tf.add(images, tf.mul(randomNormal(generator, [8, 5]), 0.1));
        const { total } = minimize(optimizer, () => ({
          total: halfSquaredError(net.apply(noisy, 'train+update'), images),
        }));
        total.dispose();
      });
    },
    dispose() {
      net.dispose();
      optimizer.dispose();
    },
  };
}

function bits(network: Network): number[] {
  return [...network.trainable, ...network.nonTrainable].flatMap((v) => Array.from(v.variable.dataSync()));
}

const POSITION = { epoch: 2, step: 5, batch: 1 };

describe('checkpoint', () => {
  beforeAll(useNativeEngine);
  afterAll(disposeScalars);

  test('train k, restore into a fresh model, train k equals training 2k, bit for bit', async () => {
    const original = createDenoiser(3);
    for (let i = 0; i < 5; i++) original.step();
    const file = await encodeCheckpoint(original, original.generator, POSITION);
    for (let i = 0; i < 5; i++) original.step();

    const resumed = createDenoiser(99);
    const position = restoreCheckpoint(file, resumed, resumed.generator);
    for (let i = 0; i < 5; i++) resumed.step();

    expect(position).toEqual(POSITION);
    expect(bits(resumed.networks.net)).toEqual(bits(original.networks.net));
    original.dispose();
    resumed.dispose();
  });

  test('taking and restoring a checkpoint keeps no tensors and changes nothing', async () => {
    const model = createDenoiser(3);
    model.step();
    const before = bits(model.networks.net);
    const count = countTensors();
    const file = await encodeCheckpoint(model, model.generator, POSITION);
    restoreCheckpoint(file, model, model.generator);

    expect(countTensors()).toBe(count);
    expect(bits(model.networks.net)).toEqual(before);
    model.dispose();
  });

  test('weights alone bring back the outputs', async () => {
    const model = createDenoiser(3);
    model.step();
    const file = await encodeWeights(model, { method: 'test' });
    const fresh = createDenoiser(4);
    restoreWeights(file, fresh);

    expect(bits(fresh.networks.net)).toEqual(bits(model.networks.net));
    expect(decodeSafetensors(file).metadata.method).toBe('test');
    expect(() => restoreCheckpoint(file, fresh, fresh.generator)).toThrow(/has no 'position'/);
    model.dispose();
    fresh.dispose();
  });

  describe('of a frozen network', () => {
    const frozen = (seed: number, from: FrozenWeights['from']) => {
      const network = createNetwork(
        {
          name: 'teacher',
          input: [4, 4, 3],
          layers: [
            { kind: 'conv2d', name: 'conv', filters: 50, kernelSize: 3, padding: 1, bias: false },
            { kind: 'batchNorm', name: 'norm' },
          ],
        },
        { seed, generator: createGenerator(seed, 'noise'), frozen: { from } },
      );
      return { networks: { teacher: network }, optimizers: {} };
    };

    test('holds its seed and its calibration, and gives the weights back to a model of another seed', async () => {
      const [saved, fresh] = [frozen(3, 'seed'), frozen(4, 'seed')];
      saved.networks.teacher.variable('norm', 'movingMean').assign(waves([50]));
      const file = await encodeWeights(saved);

      expect(file.length).toBeLessThan(2 * 50 * 4 + 500);
      restoreWeights(file, fresh);
      expect(bits(fresh.networks.teacher)).toEqual(bits(saved.networks.teacher));
      expect(fresh.networks.teacher.origin).toEqual({ kind: 'seed', seed: 3 });
    });

    test('holds the digest of weights from a file, and fits no model with others', async () => {
      const valuesOf = (_layer: unknown, { shape }: { shape: readonly number[] }) =>
        new Float32Array(shape.reduce((product, side) => product * side)).fill(1);
      const of = (sha256: string) => frozen(1, { sha256, valuesOf });
      const file = await encodeWeights(of('aa'));

      expect(() => restoreWeights(file, of('aa'))).not.toThrow();
      expect(() => restoreWeights(file, of('bb'))).toThrow(
        expect.objectContaining({
          code: 'checkpoint_mismatch',
          message: expect.stringContaining("'teacher' had the weights aa, the model's are bb"),
        }),
      );
      expect(() => restoreWeights(file, frozen(1, 'seed'))).toThrow(/had the weights aa, the model's are random/);
      expect(decodeSafetensors(file).tensors.size).toBe(0);
    });
  });

  test('buffers are saved with weights and checkpoints, whatever their size, and empty ones stay empty', async () => {
    const withBuffers = (seed: number) => ({
      ...createDenoiser(seed),
      buffers: { memory: createBuffer(), centres: createBuffer() },
    });
    const [model, fresh, resumed] = [withBuffers(3), withBuffers(4), withBuffers(5)];
    const content = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
    model.buffers.memory.write(content);
    fresh.buffers.memory.write({ shape: [1, 3], data: Float32Array.of(7, 8, 9) });

    restoreWeights(await encodeWeights(model), fresh);
    const checkpoint = await encodeCheckpoint(model, model.generator, POSITION);
    restoreCheckpoint(checkpoint, resumed, resumed.generator);

    for (const { buffers } of [fresh, resumed]) {
      expect(fittedContent(buffers.memory, 'the memory')).toEqual(content);
      expect(isEmpty(buffers.centres)).toBe(true);
      expect(() => fittedContent(buffers.centres, 'the score')).toThrow(
        expect.objectContaining({ code: 'not_fitted', message: expect.stringContaining('the score') }),
      );
    }
    const other = { ...createDenoiser(6), buffers: { queue: createBuffer() } };
    expect(() => restoreWeights(checkpoint, other)).toThrow(
      /buffer 'queue' is missing in the file; buffer 'memory' is not in the model/,
    );
    for (const one of [model, fresh, resumed, other]) one.dispose();
  });

  test('a checkpoint of another size is refused with every difference and changes nothing', async () => {
    const [small, large] = [createDenoiser(3, 4), createDenoiser(3, 6)];
    const before = bits(large.networks.net);
    const file = await encodeCheckpoint(small, small.generator, POSITION);

    expect(() => restoreCheckpoint(file, large, large.generator)).toThrow(
      /'net\/in\/kernel' has shape \[5,4\], the model's is \[5,6\].*and \d+ more/,
    );
    expect(bits(large.networks.net)).toEqual(before);
    small.dispose();
    large.dispose();
  });

  test('names what the file lacks and what the model lacks', async () => {
    const model = createDenoiser(3);
    const { tensors, metadata } = decodeSafetensors(await encodeWeights(model));
    const renamed = new Map([...tensors].map(([name, t]) => [name === 'net/in/bias' ? 'net/in/offset' : name, t]));

    expect(() => restoreWeights(encodeSafetensors({ tensors: renamed, metadata }), model)).toThrow(
      /'net\/in\/bias' is missing in the file; variable 'net\/in\/offset' is not in the model/,
    );
    model.dispose();
  });

  test('the checkpoint recorded with format adctl-checkpoint-1 is still read', () => {
    const recorded = readFileSync(`${import.meta.dirname}/recorded/adctl-checkpoint-1.safetensors`);
    const [model, reference] = [createDenoiser(42), createDenoiser(3)];
    const position = restoreCheckpoint(recorded, model, model.generator);
    for (let i = 0; i < 5; i++) reference.step();

    expect(position).toEqual(POSITION);
    expect(model.optimizers.net.stepCount).toBe(5);
    expect(model.generator.state()).toEqual(reference.generator.state());
    // Another machine rounds differently; what was read must still be the same training. The bias before the batch norm has
    // no gradient but rounding, of which Adam makes steps, and the mean follows it: on a GPU they go another way.
    const drifting = IS_ON_GPU ? ['net/in/bias', 'net/norm/movingMean'] : [];
    const weights = (network: Network) => [...network.trainable, ...network.nonTrainable];
    const expected = new Map(weights(reference.networks.net).map(({ name, variable }) => [name, variable.dataSync()]));
    for (const { name, variable } of weights(model.networks.net)) {
      const values = variable.dataSync();
      const digits = drifting.includes(name) ? 1 : 4;
      for (const [i, value] of expected.get(name)!.entries()) expect(values[i], name).toBeCloseTo(value, digits);
    }
    model.dispose();
    reference.dispose();
  });

  test('a foreign safetensors file is refused as no checkpoint', () => {
    const model = createDenoiser(3);
    const foreign = encodeSafetensors({ tensors: new Map(), metadata: { format: 'pt' } });

    expect(() => restoreCheckpoint(foreign, model, model.generator)).toThrow(/its format is 'pt'/);
    model.dispose();
  });
});
