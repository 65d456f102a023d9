import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGenerator } from '@adctl/random';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeSafetensors } from '../kit/safetensors.js';
import { useNativeEngine } from '../testing/engine.fixtures.js';
import { type Backbone, createBackbone } from './backbone.js';
import { convertWeightFile } from './weight-file.js';

/** What `scripts/weights/lite0-reference.py` wrote: the published weights, and what PyTorch computes with them. */
const FOLDER = process.env.ADCTL_LITE0_REFERENCE;

/** Equal weights give equal bytes, whoever converts them. */
const DIGEST = 'd80b5ac20aa4b8e94391d5b052114ac8800315a6f8eeb568f9dc3a22dfe3e56e';
const TAPS = ['blocks.1', 'blocks.2', 'blocks.4', 'blocks.6'];
/** ImageNet classes of the pictures that show one; where they come from and their licences: docs/backbones.md, scripts/weights/pictures. */
const CONTENT: Readonly<Record<string, readonly number[]>> = {
  'camera.png': [872], // tripod
  'chelsea.png': [281, 282, 285], // tabby, tiger cat, Egyptian cat
  'coffee.png': [967], // espresso
  'rocket.jpg': [657], // missile
  'balloons.png': [417],
  'clock.png': [409, 892], // analog clock, wall clock
  'electric-guitar.png': [546],
  'football.png': [805], // soccer ball
  'joystick.png': [613],
  'lighthouse.png': [437], // beacon, lighthouse
  'mouse.png': [673], // computer mouse
  'padlock.png': [695],
  'penguin.png': [145], // king penguin
  'safety-pin.png': [772],
  'strawberry.png': [949],
  'traffic-light.png': [920],
  'trombone.png': [875],
  'umbrella.png': [879],
};

describe('EfficientNet-Lite0 with its published weights', () => {
  let backbone: Backbone;
  let pictures: string[];
  let reference: ReadonlyMap<string, tf.Tensor>;

  beforeAll(async () => {
    if (FOLDER === undefined)
      throw new Error('set ADCTL_LITE0_REFERENCE to the folder of scripts/weights/lite0-reference.py');
    await useNativeEngine();
    const { tensors, metadata } = decodeSafetensors(readFileSync(join(FOLDER, 'reference.safetensors')));
    reference = new Map(
      [...tensors].map(([name, { data, shape }]) => [name, tf.tensor(data as Float32Array, [...shape])]),
    );
    pictures = JSON.parse(metadata.pictures!);
    const converted = convertWeightFile(readFileSync(join(FOLDER, 'lite0.safetensors')), 'lite0.safetensors');
    expect(converted.sha256).toBe(DIGEST);
    expect(converted).toMatchObject({ architecture: 'efficientnet-lite0', hasClasses: true });
    backbone = await createBackbone(
      { architecture: 'efficientnet-lite0', weights: DIGEST, network: 'net', height: 224, width: 224, end: 'classes' },
      { seed: 1, generator: createGenerator(1, 'unused'), readWeights: async () => converted.file },
    );
  }, 120_000);

  /** Largest difference, relative to the largest value. */
  const difference = (ours: tf.Tensor, theirs: tf.Tensor) =>
    tf.tidy(() => tf.div(tf.max(tf.abs(tf.sub(ours, theirs))), tf.max(tf.abs(theirs))).dataSync()[0]!);
  const images = () => reference.get('images') as tf.Tensor4D;

  test('computes the features that PyTorch computes', () => {
    const first = tf.slice4d(images(), [0, 0, 0, 0], [2, -1, -1, -1]);
    for (const [i, tap] of TAPS.entries()) {
      const [ours, theirs] = [backbone.features(first, TAPS)[i]!, reference.get(tap)!];
      expect(ours.shape).toEqual(theirs.shape);
      expect(difference(ours, theirs), tap).toBeLessThan(1e-4);
    }
  });

  test('gives the logits and the best class that PyTorch gives for every picture, and knows what eighteen of them show', () => {
    const [logits] = backbone.features(images(), ['classifier']) as unknown as [tf.Tensor2D];
    const theirs = reference.get('logits')!;

    expect(pictures).toEqual(expect.arrayContaining(Object.keys(CONTENT)));
    expect(difference(logits, theirs)).toBeLessThan(1e-4);
    const best = Array.from(tf.argMax(logits, 1).dataSync());
    expect(best).toEqual(Array.from(tf.argMax(theirs, 1).dataSync()));
    for (const [picture, classes] of Object.entries(CONTENT)) {
      expect(classes, picture).toContain(best[pictures.indexOf(picture)]!);
    }
  });
});
