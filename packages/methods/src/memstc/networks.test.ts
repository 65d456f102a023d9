import { describe, expect, test } from 'vitest';
import { summarizeNetwork } from '../kit/network-summary.js';
import type { ImageShape } from '../method.js';
import { resolveHyperparameters } from '../resolve-hyperparameters.js';
import { Hyperparameters, refuse, scoringBatch } from './hyperparameters.js';
import { memstc } from './method.js';
import { planNetworks } from './networks.js';

function shape(text: string): ImageShape {
  const [height, width, channels] = text.split('x').map(Number) as [number, number, number];
  return { height, width, channels };
}

describe('parameter counts of the spec', () => {
  test.each([
    ['28x28x1', 'image', [32, 64], 32, 133_760, 136_801, 305, 407_667],
    ['28x28x1', 'image', [32, 64], 64, 234_144, 237_153, 305, 708_755],
    ['32x32x1', 'image', [32, 64, 128], 64, 295_712, 297_569, 305, 891_155],
    ['32x32x3', 'image', [32, 64, 128], 64, 296_736, 298_595, 593, 894_519],
    ['64x64x3', 'image', [32, 64, 128, 256], 128, 1_214_560, 1_218_275, 593, 3_651_703],
    ['128x128x3', 'image', [32, 64, 128, 256, 256], 256, 2_787_808, 2_791_395, 593, 8_371_191],
    ['256x256x3', 'image', [32, 64, 128, 256, 256, 256], 256, 3_836_640, 3_840_227, 593, 11_517_687],
    ['28x28x1', 'cell', [32, 64], 64, 37_536, 37_473, 305, 112_787],
    ['32x32x3', 'cell', [32, 64], 64, 38_560, 38_499, 593, 116_151],
    ['64x64x3', 'cell', [32, 64, 128], 64, 173_856, 173_795, 593, 522_039],
    ['128x128x3', 'cell', [32, 64, 128, 128], 64, 436_128, 436_067, 593, 1_308_855],
    ['256x256x3', 'cell', [32, 64, 128, 128], 64, 436_128, 436_067, 593, 1_308_855],
  ] as const)(
    '%s, %s, stages %j, z = %i',
    (text, granularity, stageChannels, latentSize, encoder, decoder, attention, total) => {
      const h = Hyperparameters.parse({ granularity, stageChannels: [...stageChannels], latentSize });
      const summaries = planNetworks(h, shape(text)).map((plan) => summarizeNetwork(plan));
      const counts = summaries.map((summary) => summary.trainable);

      expect(counts).toEqual([encoder, decoder, decoder, attention]);
      expect(counts.reduce((a, b) => a + b)).toBe(total);
      const { height, width, channels } = shape(text);
      expect(summaries.map((summary) => summary.output).slice(1)).toEqual([
        [height, width, channels],
        [height, width, channels],
        [height, width, 1],
      ]);
    },
  );

  test.each([
    ['28x28x1', [7, 7, 64]],
    ['32x32x3', [8, 8, 64]],
  ] as const)('cells of %s images are a grid of %j', (text, grid) => {
    const [encoder] = planNetworks(Hyperparameters.parse({ granularity: 'cell', latentSize: 64 }), shape(text));

    expect(summarizeNetwork(encoder).output).toEqual(grid);
  });
});

describe('presets', () => {
  const preset = (name: 'paper' | 'default' | 'quick', text: string) =>
    resolveHyperparameters(memstc, { preset: name, input: shape(text) }).hyperparameters!;

  test.each([
    ['28x28x1', { granularity: 'image', stageChannels: [32, 64], latentSize: 32, keyGrid: 14, pseudoClasses: 3 }],
    ['32x32x1', { granularity: 'image', stageChannels: [32, 64, 128], latentSize: 64, keyGrid: 16, pseudoClasses: 3 }],
    ['32x32x3', { granularity: 'image', latentSize: 64, keyGrid: 16, pseudoClasses: 6, batchSize: 64 }],
    ['64x64x3', { granularity: 'cell', stageChannels: [32, 64, 128], latentSize: 64, queueSize: 16_384 }],
    ['128x128x3', { granularity: 'cell', stageChannels: [32, 64, 128, 128], latentSize: 64, batchSize: 16 }],
    ['256x256x3', { granularity: 'cell', stageChannels: [32, 64, 128, 128], latentSize: 64, batchSize: 16 }],
  ] as const)('default on %s', (text, expected) => {
    expect(preset('default', text)).toMatchObject({ learningRate: 1e-3, epochs: 20, positionWeight: 0, ...expected });
  });

  test('paper has the constraint of the abstract, default the memory at test time only, quick 10 epochs', () => {
    const weights = ({ directWeight, memoryWeight, structureWeight, attentionWeight }: Hyperparameters) => [
      directWeight,
      memoryWeight,
      structureWeight,
      attentionWeight,
    ];

    expect(weights(preset('paper', '28x28x1'))).toEqual([1, 1, 0.06, 0]);
    expect(weights(preset('default', '28x28x1'))).toEqual([1, 0, 0, 1]);
    expect(weights(preset('quick', '28x28x1'))).toEqual([1, 0, 0, 1]);
    expect(preset('quick', '28x28x1').epochs).toBe(10);
  });
});

test('fewer images at once where each asks for many cells', () => {
  const cells = Hyperparameters.parse({ granularity: 'cell', stageChannels: [32, 64, 128, 128] });

  expect(scoringBatch(Hyperparameters.parse({}), shape('28x28x1'))).toBe(256);
  expect(scoringBatch(cells, shape('128x128x3'))).toBe(128);
  expect(scoringBatch(cells, shape('256x256x3'))).toBe(32);
});

test.each<[string, Partial<Hyperparameters>, string, RegExp]>([
  ['sides the stages do not divide', { stageChannels: [8, 8, 8] }, '28x28x1', /divisible by 8, images are 28x28/],
  ['sides the grid does not divide', { keyGrid: 16 }, '28x28x1', /a key of 16x16 means needs sides divisible by 16/],
  ['an attention nothing trains', { attentionWeight: 0 }, '28x28x1', /nothing trains the attention/],
])('refuses %s', (_what, changes, text, message) => {
  expect(refuse(Hyperparameters.parse(changes), shape(text))).toMatch(message);
  expect(refuse(Hyperparameters.parse({}), shape(text))).toBeNull();
});
