import { AdctlError, userError } from '@adctl/protocol';

/** Thrown when another controller wrote a record that only one may write: this one must stop. */
export function superseded(key: string): AdctlError {
  return new AdctlError(`another controller wrote ${key}`, {
    code: 'controller_superseded',
    kind: 'transient',
    hint: 'Another controller leads now; this one stops.',
    details: { key },
  });
}

/** Why a controller no longer leads; what it still wants to write is refused with this. */
export function leadershipLost(identity: string, why: string): AdctlError {
  return new AdctlError(`${identity} no longer leads: ${why}`, {
    code: 'controller_superseded',
    kind: 'transient',
    hint: 'Another controller leads, or will in a moment.',
    details: { identity },
  });
}

/** Thrown when a write of ours turns out to have been stored although its answer was lost: the view was mended, try again. */
export function viewMended(key: string): AdctlError {
  return new AdctlError(`${key} had been written already; it was read again`, {
    code: 'record_moved',
    kind: 'transient',
    hint: 'Try again.',
    details: { key },
  });
}

/** Thrown for a sweep nobody submitted here. */
export function unknownSweep(sweep: string, hint?: string): AdctlError {
  return userError('unknown_sweep', `there is no sweep '${sweep}'`, {
    hint: hint ?? 'Run: adctl sweeps list',
    details: { sweep },
  });
}

/** Thrown when no trial has the id, or more than one begins like it. */
export function unknownTrial(trial: string, matches: readonly string[]): AdctlError {
  return matches.length === 0
    ? userError('unknown_trial', `there is no trial '${trial}'`, {
        hint: 'Run: adctl trials list',
        details: { trial },
      })
    : userError('ambiguous_trial', `${matches.length} trials begin with '${trial}'`, {
        hint: `Name one of them: ${matches.slice(0, 5).join(', ')}${matches.length > 5 ? ', …' : ''}`,
        details: { trial, matches: matches.slice(0, 20) },
      });
}

/** Thrown when a request cannot be met in the sweep's state. */
export function wrongSweepState(sweep: string, state: string, wanted: string): AdctlError {
  return userError('wrong_sweep_state', `sweep ${sweep} is ${state}: it cannot be ${wanted}`, {
    details: { sweep, state },
  });
}

/** Thrown when somebody wants to change another's sweep. @param instead what else could be done */
export function sweepOfOtherOwner(
  { sweep, owner }: { readonly sweep: string; readonly owner: string },
  instead: string,
) {
  return userError('sweep_of_other_owner', `sweep ${sweep} belongs to ${owner}`, {
    hint: `Ask ${owner}, or ${instead}.`,
    details: { sweep, owner },
  });
}

/** Thrown by `--if-active fail`. */
export function sweepActive(name: string, sweep: string): AdctlError {
  return userError('sweep_active', `a sweep named '${name}' is active: ${sweep}`, {
    hint: `Wait for it, or cancel it with: adctl sweeps cancel ${sweep}`,
    details: { name, sweep },
  });
}

/** Thrown for what a person asks of a sweep that is set aside. */
export function sweepHeld(sweep: string, reason: string): AdctlError {
  return userError('sweep_held', `sweep ${sweep} is ${reason}`, {
    hint: `Mend what is named, then: adctl sweeps resume ${sweep}`,
    details: { sweep },
  });
}

/** Thrown when a stored sweep cannot be read: written by another version, or damaged. */
export function sweepUnreadable(key: string, cause: unknown): AdctlError {
  return new AdctlError(`the sweep stored at ${key} cannot be read`, {
    code: 'sweep_unreadable',
    kind: 'permanent',
    hint: 'It may come from another adctl version.',
    details: { key },
    cause,
  });
}

/** Thrown when the record of a failed attempt cannot be read: written by another version, or damaged. */
export function attemptUnreadable(key: string, cause: unknown): AdctlError {
  return new AdctlError(`the record of a failed attempt at ${key} cannot be read`, {
    code: 'attempt_unreadable',
    kind: 'permanent',
    hint: 'It may come from another adctl version.',
    details: { key },
    cause,
  });
}

/** Thrown when a record in the state store cannot be read. */
export function recordUnreadable(bucket: string, key: string, cause: unknown): AdctlError {
  return new AdctlError(`the record ${key} in bucket ${bucket} cannot be read`, {
    code: 'record_unreadable',
    kind: 'permanent',
    hint: 'It may come from another adctl version.',
    details: { bucket, key },
    cause,
  });
}

/** Thrown when `ADCTL_POOLS_FILE` names no file that can be read. */
export function poolsFileUnreadable(file: string, cause: unknown): AdctlError {
  return userError('pools_file_unreadable', `the pools file ${file} cannot be read`, {
    hint: 'Mount it, or correct ADCTL_POOLS_FILE.',
    details: { file },
    cause,
  });
}

/** Thrown when records would be made again while trials run: what runs is in no object yet. */
export function trialsRunning(running: number): AdctlError {
  return userError('trials_running', `${running} trials are running: nothing seems to be lost`, {
    hint: 'Wait for them, pause their sweeps, or repeat with --force.',
    details: { running },
  });
}

/** Thrown when the port for metrics and health cannot be listened on. */
export function metricsPortTaken(port: number, cause: unknown): AdctlError {
  return userError('metrics_port_taken', `cannot listen on port ${port} for metrics and health`, {
    hint: 'Name another one with ADCTL_METRICS_PORT, or 0 for any.',
    details: { port },
    cause,
  });
}

/** Thrown for a request payload that is not what the verb takes. */
export function badRequest(verb: string, cause: unknown): AdctlError {
  return userError('bad_request', `the request ${verb} has a payload this controller does not understand`, {
    hint: 'Use the same adctl version on both sides.',
    details: { verb },
    cause,
  });
}

/** Thrown when a sweep names a pool that this cluster does not have: its trials would wait for ever. */
export function unknownPool(pool: string, known: readonly string[]): AdctlError {
  return userError('unknown_pool', `this cluster has no pool '${pool}'`, {
    hint: `Write one of them under resources.pool: ${known.join(', ')}`,
    details: { pool, known },
  });
}
