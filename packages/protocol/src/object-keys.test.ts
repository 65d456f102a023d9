import { describe, expect, test } from 'vitest';
import type { Sha256, SweepId, TrialId } from './ids.js';
import { SweepId as SweepIdSchema, TrialId as TrialIdSchema } from './ids.js';
import {
  artifactKey,
  attemptRecordKey,
  headKey,
  manifestKey,
  resultKey,
  sharedDatasetKey,
  sharedFileKey,
  sweepSpecKey,
  trialSpecKey,
} from './object-keys.js';

const SWEEP = 'ocgan-mnist-0a1b2c3d' as SweepId;
const TRIAL = 't000123-89abcdef' as TrialId;
const DIGEST = '01'.repeat(32) as Sha256;

describe('object keys', () => {
  test('are what stored data of version 1 lies under', () => {
    expect([
      sweepSpecKey(SWEEP),
      trialSpecKey(SWEEP, TRIAL),
      manifestKey(SWEEP, TRIAL, 2, 40),
      headKey(SWEEP, TRIAL),
      resultKey(SWEEP, TRIAL, 123_456),
      resultKey(SWEEP, TRIAL, 123_456, 2),
      attemptRecordKey(SWEEP, TRIAL, 0, 1),
      artifactKey(SWEEP, TRIAL, 1, 'roc.json'),
      sharedDatasetKey('mnist', DIGEST),
      sharedFileKey(DIGEST),
    ]).toMatchInlineSnapshot(`
      [
        "v1/spec/ocgan-mnist-0a1b2c3d.json",
        "v1/trial/ocgan-mnist-0a1b2c3d/t000123-89abcdef.json",
        "v1/ckpt/ocgan-mnist-0a1b2c3d/t000123-89abcdef/a2/s40/MANIFEST.json",
        "v1/head/ocgan-mnist-0a1b2c3d/t000123-89abcdef.json",
        "v1/result/ocgan-mnist-0a1b2c3d/000123/t000123-89abcdef.json",
        "v1/result/ocgan-mnist-0a1b2c3d/000123/t000123-89abcdef.g2.json",
        "v1/attempt/ocgan-mnist-0a1b2c3d/t000123-89abcdef/g0-a1.json",
        "v1/trial-artifact/ocgan-mnist-0a1b2c3d/t000123-89abcdef/a1/roc.json",
        "v1/dataset/mnist/0101010101010101010101010101010101010101010101010101010101010101.json",
        "v1/dataset-file/01/0101010101010101010101010101010101010101010101010101010101010101",
      ]
    `);
  });

  test.each(['../escape', 'a/b', 'A', '', '-a', 'a.b', 'a'.repeat(81)])('no sweep is called %j', (id) => {
    expect(SweepIdSchema.safeParse(id).success).toBe(false);
    expect(TrialIdSchema.safeParse(id).success).toBe(false);
  });
});
