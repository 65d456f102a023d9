import type { Failure, FailureClass } from '@adctl/protocol';
import { describe, expect, test } from 'vitest';
import { classifyFailure, type FailureEvidence } from './classify-failure.js';

const thrown = (message: string, change: Partial<Failure> = {}): FailureEvidence => ({
  failure: { code: 'unexpected', kind: 'bug', message, details: {}, ...change },
});
const died = (code: number | null, signal: string | null = null, stderr = ''): FailureEvidence => ({
  exit: { code, signal },
  stderr,
});

/** What was really printed or thrown by the programs below us, with the class each belongs to. */
const cases: readonly (readonly [name: string, evidence: FailureEvidence, expected: FailureClass])[] = [
  [
    'TensorFlow out of GPU memory',
    thrown(
      'Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[4096,256,64,64] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc',
    ),
    'oom-gpu',
  ],
  [
    'TensorFlow out of host memory',
    thrown(
      'Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[100000,100000] and type float on /job:localhost/replica:0/task:0/device:CPU:0 by allocator cpu',
    ),
    'oom-host',
  ],
  [
    'CUDA start-up without memory',
    died(null, 'SIGABRT', 'failed call: CUDA_ERROR_OUT_OF_MEMORY: out of memory'),
    'oom-gpu',
  ],
  ['cuDNN without memory', thrown('Message: Failed to call cudnn: CUDNN_STATUS_ALLOC_FAILED'), 'oom-gpu'],
  [
    'XLA out of device memory',
    died(134, null, 'failed to allocate 2.00GiB (2147483648 bytes) from device: CUDA_ERROR'),
    'oom-gpu',
  ],
  [
    'C++ allocation failure',
    died(null, 'SIGABRT', "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc"),
    'oom-host',
  ],
  [
    'V8 heap limit',
    died(134, null, 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'),
    'oom-host',
  ],
  ['typed array too large for memory', thrown('Array buffer allocation failed'), 'oom-host'],
  ['fork refused', thrown('spawn ENOMEM'), 'oom-host'],
  ['killed while the kernel counted a kill for memory', { ...died(null, 'SIGKILL'), oomKilled: true }, 'oom-host'],
  ['exit code 137 while the kernel counted a kill', { ...died(137), oomKilled: true }, 'oom-host'],
  ['killed for no known reason', died(null, 'SIGKILL'), 'infra'],
  ['exit code 137 for no known reason', died(137), 'infra'],
  ['another process was killed for memory, ours crashed', { ...died(null, 'SIGSEGV'), oomKilled: true }, 'infra'],
  ['segmentation fault', died(null, 'SIGSEGV'), 'infra'],
  ['segmentation fault as exit code', died(139), 'infra'],
  ['failed CHECK in native code', died(134, null, 'F0000 Check failed: status.ok() INTERNAL'), 'infra'],
  ['terminated from outside', died(null, 'SIGTERM'), 'preempted'],
  ['terminated from outside, as exit code', died(143), 'preempted'],
  ['disk full', thrown("ENOSPC: no space left on device, write '/scratch/x'"), 'infra'],
  ['disk full, below our own error', thrown('cannot write', { cause: thrown('ENOSPC: no space').failure }), 'infra'],
  ['corrupt image', thrown('img/003.png is cut short', { code: 'corrupt_image', kind: 'user' }), 'data'],
  ['data changed since planning', thrown('other digest', { code: 'dataset_changed', kind: 'user' }), 'data'],
  ['impossible hyperparameters', thrown('latentSize: too big', { code: 'bad_hyperparameters', kind: 'user' }), 'user'],
  ['wrong image shape', thrown('wants 28x28x1', { code: 'wrong_image_shape', kind: 'user' }), 'user'],
  ['other code', thrown('other code', { code: 'code_version_mismatch', kind: 'transient' }), 'infra'],
  ['our bug', thrown('cannot read properties of undefined'), 'user'],
  ['scores that are not numbers', thrown('NaN', { code: 'score_not_finite', kind: 'permanent' }), 'user'],
  ['store out of reach', thrown('no answer', { code: 'store_unreachable', kind: 'transient' }), 'infra'],
  ['damaged checkpoint', thrown('cut short', { code: 'safetensors_invalid', kind: 'permanent' }), 'infra'],
  ['exit 0 without a result', died(0), 'infra'],
  ['exit 1 without a word', died(1), 'infra'],
  ['time over, killed by us', { ...died(null, 'SIGKILL'), timedOut: true }, 'timeout'],
];

describe('classifyFailure', () => {
  test.each(cases)('%s', (_, evidence, expected) => {
    expect(classifyFailure(evidence).class).toBe(expected);
  });

  test("keeps the child's own words, and the exit and last lines where it had none", () => {
    const spoken = thrown('boom');

    expect(classifyFailure(spoken).failure).toBe(spoken.failure);
    expect(classifyFailure(died(0)).failure.message).toContain('without a result');
    expect(classifyFailure(died(null, 'SIGSEGV', 'last words\n')).failure.details).toEqual({
      exit: { code: null, signal: 'SIGSEGV' },
      stderr: 'last words',
    });
  });
});
