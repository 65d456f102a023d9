import type { Failure, FailureClass } from '@adctl/protocol';

/** Everything seen of an attempt that ended without reaching a final state. */
export interface FailureEvidence {
  /** What the training child said, if it could still speak. */
  readonly failure?: Failure;
  /** How the child's process ended, if it did. */
  readonly exit?: { readonly code: number | null; readonly signal: string | null };
  /** Last lines of the child's stderr. */
  readonly stderr?: string;
  /** The attempt's time was over. */
  readonly timedOut?: boolean;
  /** The kernel's count of processes killed for memory rose while the child ran. */
  readonly oomKilled?: boolean;
}

export interface ClassifiedFailure {
  readonly class: FailureClass;
  readonly failure: Failure;
}

interface Signature {
  readonly class: FailureClass;
  /** Found in a message, its causes, or stderr. */
  readonly pattern: RegExp;
}

/** Texts that are not ours and whose programs say nothing but text; the first match decides. */
const SIGNATURES: readonly Signature[] = [
  { class: 'oom-gpu', pattern: /OOM when allocating tensor[\s\S]*(device:GPU|GPU_\d+_bfc)/i },
  { class: 'oom-gpu', pattern: /CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation|CUDNN_STATUS_ALLOC_FAILED/ },
  { class: 'oom-gpu', pattern: /failed to allocate .* from device|ran out of memory trying to allocate .*\(GPU/i },
  { class: 'oom-host', pattern: /OOM when allocating tensor/i },
  { class: 'oom-host', pattern: /std::bad_alloc|JavaScript heap out of memory|Array buffer allocation failed/ },
  { class: 'oom-host', pattern: /Cannot allocate memory|ENOMEM|Invalid array buffer length/ },
  { class: 'infra', pattern: /ENOSPC|EIO\b|EMFILE|ENFILE|EROFS|No space left on device/ },
];

/** Codes of our own errors that say more than their kind. */
const CLASS_OF_CODE: Readonly<Record<string, FailureClass>> = {
  corrupt_image: 'data',
  unsupported_image: 'data',
  bad_mask: 'data',
  corrupt_dataset: 'data',
  digest_mismatch: 'data',
  dataset_changed: 'data',
  dataset_missing: 'data',
  shared_dataset_damaged: 'data',
  bad_image_folder: 'data',
  checkpoint_mismatch: 'infra',
  checkpoint_invalid: 'infra',
  safetensors_invalid: 'infra',
  code_version_mismatch: 'infra',
};

/** Signals as they show in exit codes of shells and containers: 128 + number. */
const SIGNAL_OF_CODE: Readonly<Record<number, string>> = {
  132: 'SIGILL',
  134: 'SIGABRT',
  135: 'SIGBUS',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  143: 'SIGTERM',
};

/**
 * Decides which failure class an ended attempt belongs to, and words it.
 *
 * 1. Our clock decides about timeouts.
 * 2. A kernel that killed for memory decides about SIGKILL; without that evidence a kill is infrastructure.
 * 3. Texts of TensorFlow, CUDA, C++ and Node are matched against {@link SIGNATURES}.
 * 4. An error that was thrown goes by its code, then by its kind: `transient` is infrastructure; everything else is the
 *    trial's own (class `user`), bugs included: trying them often would only repeat them.
 * 5. A process that ends without a word is infrastructure, exit code 0 included: no result, no success.
 */
export function classifyFailure(evidence: FailureEvidence): ClassifiedFailure {
  const { failure, exit, timedOut, oomKilled } = evidence;
  if (timedOut) return { class: 'timeout', failure: describe('timeout', 'The attempt ran out of time.', evidence) };

  const signal = exit === undefined ? null : (exit.signal ?? SIGNAL_OF_CODE[exit.code ?? -1] ?? null);
  if (oomKilled && signal === 'SIGKILL') {
    const message = 'The kernel killed the training process because the memory limit was reached.';
    return { class: 'oom-host', failure: describe('oom_killed', message, evidence) };
  }

  const text = [failure === undefined ? '' : messagesOf(failure), evidence.stderr ?? ''].join('\n');
  const signature = SIGNATURES.find(({ pattern }) => pattern.test(text));
  if (failure !== undefined) {
    const byCode = CLASS_OF_CODE[failure.code] ?? signature?.class;
    return { class: byCode ?? (failure.kind === 'transient' ? 'infra' : 'user'), failure };
  }

  if (signal === 'SIGTERM') {
    return {
      class: 'preempted',
      failure: describe('trainer_terminated', 'Somebody ended the training process.', evidence),
    };
  }
  return { class: signature?.class ?? 'infra', failure: describe('trainer_died', wordsOf(exit, signal), evidence) };
}

function wordsOf(exit: FailureEvidence['exit'], signal: string | null): string {
  if (signal !== null) return `The training process was ended by ${signal}.`;
  if (exit?.code === 0) return 'The training process ended without a result.';
  return `The training process ended with exit code ${exit?.code ?? 'unknown'}.`;
}

function describe(code: string, message: string, { exit, stderr }: FailureEvidence): Failure {
  const tail = stderr?.trim().slice(-2000);
  return {
    code,
    kind: 'transient',
    message,
    details: { ...(exit === undefined ? {} : { exit }), ...(tail ? { stderr: tail } : {}) },
  };
}

function messagesOf(failure: Failure): string {
  return failure.cause === undefined ? failure.message : `${failure.message}\n${messagesOf(failure.cause)}`;
}
