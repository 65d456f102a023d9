import { describe, expect, test } from 'vitest';
import { summarizeNetwork } from '../kit/network-summary.js';
import { Hyperparameters } from './hyperparameters.js';
import { type Geometry, planNetworks } from './networks.js';

const paper61 = (channels: number): Geometry => ({ side: 61, channels, innerSide: 5, padding: 'valid' });
const native32 = (channels: number): Geometry => ({ side: 32, channels, innerSide: 4, padding: 'same' });

function countsOf(h: Partial<Hyperparameters>, geometry: Geometry): Record<string, number> {
  const plans = planNetworks(Hyperparameters.parse(h), geometry);
  return Object.fromEntries(plans.map((plan) => [plan.name, summarizeNetwork(plan).trainable]));
}

describe('ocgan parameter counts (spec 2.6)', () => {
  test.each([
    ['paper61 RGB', paper61(3), 1_132_064, 1_132_099, 38_257, 1_036_033],
    ['paper61 grey', paper61(1), 1_128_864, 1_128_897, 37_657, 1_032_833],
    ['native32 RGB', native32(3), 1_095_200, 1_095_235, 37_825, 1_033_729],
    ['native32 grey', native32(1), 1_092_000, 1_092_033, 37_225, 1_030_529],
  ])('%s, width 64, d 16', (_, geometry, encoder, decoder, visualDiscriminator, classifier) => {
    expect(countsOf({}, geometry)).toEqual({
      encoder,
      decoder,
      latentDiscriminator: 13_057,
      visualDiscriminator,
      classifier,
    });
  });

  test.each([
    [paper61(3), 1_849_088, 1_848_899],
    [paper61(1), 1_845_888, 1_845_697],
    [native32(3), 1_554_176, 1_553_987],
    [native32(1), 1_550_976, 1_550_785],
  ])('d 128 in %o', (geometry, encoder, decoder) => {
    expect(countsOf({ latentSize: 128 }, geometry)).toMatchObject({ encoder, decoder, latentDiscriminator: 27_393 });
  });

  test.each([
    [paper61(3), 91_040, 91_027, 67_009],
    [paper61(1), 90_240, 90_225, 66_209],
    [native32(3), 81_824, 81_811, 66_433],
    [native32(1), 81_024, 81_009, 65_633],
  ])('quick widths in %o', (geometry, encoder, decoder, classifier) => {
    expect(countsOf({ encoderWidth: 16, classifierWidth: 16 }, geometry)).toMatchObject({
      encoder,
      decoder,
      classifier,
    });
  });

  test('without latent batch norm the encoder loses 2 d, with d 64 the latent discriminator has 19,201', () => {
    expect(countsOf({ latentBatchNorm: false }, native32(1)).encoder).toBe(1_091_968);
    expect(countsOf({ latentBatchNorm: false }, paper61(3)).encoder).toBe(1_132_032);
    expect(countsOf({ latentSize: 64 }, native32(1)).latentDiscriminator).toBe(19_201);
  });

  test.each([paper61(3), paper61(1), native32(3), native32(1)])('output shapes in %o', (geometry) => {
    const plans = planNetworks(Hyperparameters.parse({ decoderDropout: 0.5, latentDiscBatchNorm: true }), geometry);
    const outputs = Object.fromEntries(plans.map((plan) => [plan.name, summarizeNetwork(plan).output]));

    expect(outputs).toEqual({
      encoder: [16],
      decoder: [geometry.side, geometry.side, geometry.channels],
      latentDiscriminator: [1],
      visualDiscriminator: [1],
      classifier: [1],
    });
  });
});
