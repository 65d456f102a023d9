import { AdctlError, type TrialSpec } from '@adctl/protocol';

/** Thrown when the code here would not compute the numbers that the trial was planned for. */
export function codeVersionMismatch(spec: TrialSpec, own: string): AdctlError {
  return new AdctlError(`The trial was planned with other code of ${spec.method} than this worker has.`, {
    code: 'code_version_mismatch',
    kind: 'transient',
    hint: 'Bring controller and workers to the same version, or submit the sweep again.',
    details: { planned: spec.codeVersion, own },
  });
}

/** Thrown when a message names a spec that is not in the object store. */
export function specMissing(specKey: string): AdctlError {
  return new AdctlError(`The trial's spec ${specKey} is not in the object store.`, {
    code: 'spec_missing',
    kind: 'transient',
    details: { specKey },
  });
}

/** Thrown when a spec is not one of a version this worker knows. */
export function specUnreadable(specKey: string, cause: unknown): AdctlError {
  return new AdctlError(`The trial's spec ${specKey} cannot be read by this version.`, {
    code: 'spec_unreadable',
    kind: 'permanent',
    hint: 'Bring controller and workers to the same version.',
    details: { specKey },
    cause,
  });
}
