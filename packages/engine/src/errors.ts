import { AdctlError, userError } from '@adctl/protocol';
import type { Flavour } from './versions.js';

/** The command that mends an engine of a flavour. */
export function setupCommand(flavour: Flavour): string {
  return flavour === 'cpu' ? 'npm run setup' : `npm run setup -- --flavour ${flavour}`;
}

/** Thrown when an engine is asked for that was never built, or whose files are no longer what its manifest says. */
export function engineMissing(flavour: Flavour, directory: string, reason: string, cause?: unknown): AdctlError {
  return userError('engine_missing', `The TensorFlow engine (${flavour}) cannot be used: ${reason}`, {
    hint: `Build it with: ${setupCommand(flavour)}`,
    details: { flavour, directory },
    cause,
  });
}

/** Thrown when the GPU engine starts but TensorFlow sees no GPU, which would otherwise train for days on the CPU. */
export function gpuNotSeen(directory: string): AdctlError {
  return new AdctlError('A GPU was asked for, but TensorFlow sees none.', {
    code: 'gpu_not_seen',
    kind: 'permanent',
    hint:
      'Check nvidia-smi, the driver and CUDA_VISIBLE_DEVICES, or use the pool or flavour "cpu". ' +
      'With TF_CPP_MIN_LOG_LEVEL=0 and TF_CPP_VMODULE=dso_loader=1 TensorFlow names the library that it could not open.',
    details: { directory },
  });
}

/** Thrown when one process asks for two different engines; a process can hold one. */
export function engineAlreadyLoaded(loaded: string, wanted: string): AdctlError {
  return new AdctlError(`This process already runs the engine ${loaded}; it cannot load ${wanted} as well.`, {
    code: 'engine_already_loaded',
    kind: 'bug',
  });
}

/** Thrown when the machine lacks a program that the build needs. */
export function toolMissing(code: 'compiler_missing' | 'pip_missing' | 'binutils_missing', what: string, hint: string) {
  return userError(code, what, { hint });
}

/** Thrown where no TensorFlow library exists for the machine. */
export function platformUnsupported(platform: string, flavour: Flavour): AdctlError {
  return userError('platform_unsupported', `There is no TensorFlow library for ${platform} with flavour ${flavour}.`, {
    hint: 'Supported: cpu on linux-x64 and linux-arm64, gpu on linux-x64; or name a folder in ADCTL_TENSORFLOW_DIR.',
  });
}

/** Thrown before a build starts when the disk cannot hold it. */
export function diskFull(directory: string, neededBytes: number, freeBytes: number): AdctlError {
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  return userError(
    'disk_full',
    `Building the engine needs ${gigabytes(neededBytes)} in ${directory}; ${gigabytes(freeBytes)} are free.`,
    { hint: 'Free some space, or point ADCTL_CACHE_DIR at a larger disk.', details: { neededBytes, freeBytes } },
  );
}

/** Thrown when pip or the stock download fails: no network, no such version, a broken mirror. */
export function downloadFailed(what: string, output: string, cause?: unknown): AdctlError {
  return new AdctlError(`Could not download ${what}.\n${output}`, {
    code: 'download_failed',
    kind: 'transient',
    hint:
      'Check the network and the configured package index (pip config list), then run the same command again; ' +
      'or name a folder that holds TensorFlow in ADCTL_TENSORFLOW_DIR.',
    cause,
  });
}

/** Thrown when a file that arrived is not the one we know; the file has been removed. */
export function downloadCorrupt(file: string, expected: string, actual: string): AdctlError {
  return new AdctlError(`${file} has sha256 ${actual}, expected ${expected}. It was removed.`, {
    code: 'download_corrupt',
    kind: 'transient',
    hint: 'Run the same command again; if it repeats, the package index serves another file under this name.',
    details: { file, expected, actual },
  });
}

/** Thrown when unpacked or user-named libraries are not what the addon needs. */
export function librariesUnusable(message: string, details: Record<string, unknown>, cause?: unknown): AdctlError {
  return userError('libraries_unusable', message, {
    hint: `Name another folder in ADCTL_TENSORFLOW_DIR, or unset it to use the pinned wheel.`,
    details,
    cause,
  });
}

/** Thrown when the compiler rejects the addon; the engine that was there before stays. */
export function compileFailed(command: string, output: string): AdctlError {
  return new AdctlError(`The C++ compiler failed:\n${output}`, {
    code: 'compile_failed',
    kind: 'permanent',
    hint: 'The addon needs g++ 9 or newer (C++17). The engine built before, if any, is unchanged.',
    details: { command },
  });
}

/** Thrown when a freshly built engine cannot compute; it is thrown away and the one before stays. */
export function selfTestFailed(output: string): AdctlError {
  return new AdctlError(`The engine was built but failed its self-test:\n${output}`, {
    code: 'self_test_failed',
    kind: 'permanent',
    hint: 'TensorFlow needs a CPU with AVX and glibc 2.27 or newer. The engine built before, if any, is unchanged.',
  });
}
