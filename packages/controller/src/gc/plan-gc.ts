import type { GcReason, SweepId, TrialId } from '@adctl/protocol';

/** One checkpoint as its keys show it, committed or not. */
export interface SeenCheckpoint {
  readonly attempt: number;
  readonly step: number;
  /** Its manifest is there. */
  readonly committed: boolean;
  /** From the manifest, where it was read. */
  readonly epoch: number | undefined;
  readonly bytes: number;
  /** When its newest object was written, ms since 1970. */
  readonly newestMs: number;
  readonly manifest: string;
  readonly files: readonly string[];
}

/**
 * What a trial's checkpoints are kept for. `live`: it may continue, or its sweep was over only lately. `top`: one of the best
 * of a sweep that is over. `past`: any other trial of a sweep that has been over for some time.
 */
export type TrialFate = 'live' | 'top' | 'past';

export interface SeenTrial {
  readonly sweep: SweepId;
  readonly trial: TrialId;
  readonly fate: TrialFate;
  readonly checkpoints: readonly SeenCheckpoint[];
  /** Where the head points. */
  readonly head: { readonly attempt: number; readonly step: number } | null;
  /** The attempt whose claim somebody holds. */
  readonly heldAttempt: number | null;
  /** Epoch whose weights the result kept. */
  readonly keptEpoch: number | undefined;
}

export interface GcRules {
  readonly nowMs: number;
  /** Nothing younger is deleted. Default 24 h. */
  readonly youngestMs?: number;
  /** Newest committed checkpoints of a live trial that stay. Default 2. */
  readonly keepLast?: number;
}

export interface GcDecision {
  readonly checkpoint: SeenCheckpoint;
  readonly delete: boolean;
  readonly why: GcReason;
}

/** Nothing younger is deleted. Our decision. */
export const YOUNGEST_MS = 86_400_000;

/** Decides about every checkpoint of one trial. Pure. */
export function planGc(trial: SeenTrial, { nowMs, youngestMs = YOUNGEST_MS, keepLast = 2 }: GcRules): GcDecision[] {
  const committed = trial.checkpoints
    .filter((checkpoint) => checkpoint.committed)
    .sort((a, b) => b.attempt - a.attempt || b.step - a.step);
  const last = new Set(committed.slice(0, keepLast));
  const best = committed.find(({ epoch }) => epoch !== undefined && epoch === trial.keptEpoch);
  const decide = (checkpoint: SeenCheckpoint): Omit<GcDecision, 'checkpoint'> => {
    const { attempt, step, newestMs } = checkpoint;
    if (attempt === trial.heldAttempt) return { delete: false, why: 'held' };
    if (nowMs - newestMs < youngestMs) return { delete: false, why: 'young' };
    if (!checkpoint.committed) return { delete: true, why: 'unfinished' };
    if (trial.fate === 'top') return { delete: false, why: 'top' };
    if (trial.fate === 'past') return { delete: true, why: 'past' };
    if (last.has(checkpoint)) return { delete: false, why: 'last' };
    if (checkpoint === best) return { delete: false, why: 'best' };
    if (trial.head?.attempt === attempt && trial.head.step === step) return { delete: false, why: 'head' };
    return { delete: true, why: 'superseded' };
  };
  return trial.checkpoints.map((checkpoint) => ({ checkpoint, ...decide(checkpoint) }));
}

/** The trials of an ended sweep whose checkpoints stay: all report trials, and the best search trials. Pure. */
export function chooseTop(
  trials: readonly {
    readonly trial: TrialId;
    readonly phase: 'search' | 'report';
    readonly objective?: number | undefined;
  }[],
  goal: 'maximize' | 'minimize',
  count: number,
): ReadonlySet<TrialId> {
  const sign = goal === 'maximize' ? -1 : 1;
  const ranked = trials
    .filter(({ phase, objective }) => phase === 'search' && objective !== undefined)
    .sort((a, b) => sign * ((a.objective ?? 0) - (b.objective ?? 0)) || (a.trial < b.trial ? -1 : 1));
  const report = trials.filter(({ phase }) => phase === 'report');
  return new Set([...report, ...ranked.slice(0, count)].map(({ trial }) => trial));
}
