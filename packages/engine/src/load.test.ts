import { expect, test } from 'vitest';
import { nativeVariables } from './load.js';

test('a GPU repeats its numbers in full float32, whatever the user has set', () => {
  const wished = { TF_DETERMINISTIC_OPS: '0', NVIDIA_TF32_OVERRIDE: '1' };

  expect(nativeVariables(wished, 'gpu', 1)).toMatchObject({ TF_DETERMINISTIC_OPS: '1', NVIDIA_TF32_OVERRIDE: '0' });
  expect(Object.keys(nativeVariables(wished, 'cpu', 1))).not.toContain('TF_DETERMINISTIC_OPS');
});

test('threads are the ones asked for; how loud TensorFlow is and how it takes memory is the user’s choice', () => {
  const mine = { TF_CPP_MIN_LOG_LEVEL: '0', TF_FORCE_GPU_ALLOW_GROWTH: 'false', TF_NUM_INTRAOP_THREADS: '9' };

  expect(nativeVariables(mine, 'cpu', 3)).toEqual({
    ...mine,
    TF_NUM_INTRAOP_THREADS: '3',
    TF_NUM_INTEROP_THREADS: '1',
  });
});
