import { beforeAll, expect, test } from 'vitest';
import { findMethod } from '../registry.js';
import { useNativeEngine } from '../testing/engine.fixtures.js';
import { runTextureExperiment } from '../testing/texture-experiment.fixtures.js';

beforeAll(useNativeEngine, 60_000);

test('finds defects of the stripe texture and where they are, which an untrained network does not', async () => {
  const [untrained, trained] = await Promise.all(
    [false, true].map((isTrained) =>
      runTextureExperiment({
        card: findMethod('smai'),
        texture: 'stripes',
        seed: 1,
        maps: { blurred: { mapBlur: true } },
        isTrained,
      }),
    ),
  );

  expect(untrained!.image.l2_sum).toBeLessThan(0.9);
  expect(untrained!.pixel.blurred).toBeLessThan(0.9);
  expect(trained!.image.l2_sum).toBeGreaterThanOrEqual(0.97);
  expect(trained!.pixel.blurred).toBeGreaterThanOrEqual(0.97);
});
