import { type CheckpointRule, type SelectionMetrics, userError } from '@adctl/protocol';
import { undefinedMetric } from './labelled-scores.js';

/** JSON-safe; part of a trial's checkpoint. */
export interface CheckpointChooserState {
  readonly keptEpoch: number | null;
  /** The rule's metric at the kept epoch, where the rule has one. */
  readonly keptValue: number | null;
}

/** Decides which epoch's weights a trial keeps, one finished epoch after another. */
export interface CheckpointChooser {
  /** Whether weights of this epoch (from 1) may be kept, and so whether its selection metrics are wanted. */
  competes(epoch: number): boolean;
  /**
   * Takes the selection metrics of a finished epoch; test metrics do not fit the type.
   * @returns true when this epoch's weights replace the kept ones. Of equal epochs the earliest stays.
   * @throws AdctlError `undefined_metric` when the rule's metric is not finite at a competing epoch.
   */
  report(epoch: number, metrics: SelectionMetrics): boolean;
  /** The epoch whose weights are kept so far, or undefined. */
  keptEpoch(): number | undefined;
  state(): CheckpointChooserState;
  /** Continues from a saved state. */
  restore(state: CheckpointChooserState): void;
}

/**
 * @param rule `last`, `epoch N`, or `best` of a selection metric after a burn-in, the first that is good `enough` if it says so.
 * @param epochs epochs the trial trains, at least 1.
 * @throws AdctlError user `epoch_out_of_range` when the rule names an epoch that will not be trained.
 */
export function createCheckpointChooser(rule: CheckpointRule, epochs: number): CheckpointChooser {
  if (rule.rule === 'epoch' && rule.epoch > epochs) {
    throw userError('epoch_out_of_range', `checkpoint rule "epoch ${rule.epoch}" in a training of ${epochs} epochs`, {
      hint: `Name an epoch from 1 to ${epochs}, or train longer.`,
      details: { epoch: rule.epoch, epochs },
    });
  }
  let kept: CheckpointChooserState = { keptEpoch: null, keptValue: null };
  const competes = (epoch: number): boolean => {
    if (rule.rule === 'last') return epoch === epochs;
    return rule.rule === 'epoch' ? epoch === rule.epoch : epoch > rule.burnIn * epochs;
  };

  return {
    competes,
    report(epoch, metrics) {
      if (!competes(epoch)) return false;
      if (rule.rule !== 'best') {
        kept = { keptEpoch: epoch, keptValue: null };
        return true;
      }
      const value = rule.metric === 'selection.auroc' ? metrics.auroc : metrics.loss;
      if (!Number.isFinite(value)) throw undefinedMetric(`${rule.metric} of epoch ${epoch} is ${value}`, { epoch });
      const isBetter = (a: number, b: number) => (rule.metric === 'selection.auroc' ? a > b : a < b);
      const { keptValue } = kept;
      if (keptValue !== null && rule.enough !== undefined && !isBetter(rule.enough, keptValue)) return false;
      const better = keptValue === null || isBetter(value, keptValue);
      if (better) kept = { keptEpoch: epoch, keptValue: value };
      return better;
    },
    keptEpoch: () => kept.keptEpoch ?? undefined,
    state: () => kept,
    restore(state) {
      kept = { keptEpoch: state.keptEpoch, keptValue: state.keptValue };
    },
  };
}
