import { expect, test } from 'vitest';
import { defaultScoringBatch } from './scoring.js';

test.each([
  [28, 1, 256],
  [64, 3, 256],
  [128, 3, 85],
  [512, 3, 5],
  [1024, 3, 1],
  [4096, 4, 1],
])('images of side %i with %i channels are scored %i at once', (side, channels, batch) => {
  expect(defaultScoringBatch({ height: side, width: side, channels })).toBe(batch);
});
