import { CHECKPOINT_PATTERN, type CheckpointChoice } from './sweep.js';
import type { CheckpointRule } from './trial.js';

/**
 * Reads `last`, `best(selection.auroc)`, `best(selection.loss)` or `epoch N`.
 * @throws RangeError for anything else; in particular nothing about the test split can be chosen by.
 */
export function toCheckpointChoice(text: string): CheckpointChoice {
  if (!CHECKPOINT_PATTERN.test(text)) throw new RangeError(`not a checkpoint rule: ${JSON.stringify(text)}`);
  if (text === 'last') return { rule: 'last' };
  if (text.startsWith('epoch ')) return { rule: 'epoch', epoch: Number(text.slice('epoch '.length)) };
  return { rule: 'best', metric: text.includes('auroc') ? 'selection.auroc' : 'selection.loss' };
}

/** The rule as people write it, without the burn-in. */
export function fromCheckpointRule(rule: CheckpointChoice | CheckpointRule): string {
  if (rule.rule === 'last') return 'last';
  return rule.rule === 'epoch' ? `epoch ${rule.epoch}` : `best(${rule.metric})`;
}

/**
 * The rule a trial follows: the file's where it names one, else the card's. A `best` of the file takes the burn-in of
 * the card's own `best` rule (the spec's), or none where the card has another rule.
 */
export function resolveCheckpointRule(choice: CheckpointChoice | undefined, ofCard: CheckpointRule): CheckpointRule {
  if (choice === undefined) return ofCard;
  if (choice.rule !== 'best') return choice;
  return { ...choice, burnIn: ofCard.rule === 'best' ? ofCard.burnIn : 0 };
}
