import { didYouMean, userError } from '@adctl/protocol';
import { alocc } from './alocc/method.js';
import { cnnDictionary } from './cnn-dictionary/method.js';
import { dae } from './dae/method.js';
import { geotrans } from './geotrans/method.js';
import { memae } from './memae/method.js';
import { memstc } from './memstc/method.js';
import type { CommonHyperparameters, MethodCard } from './method.js';
import { mkd } from './mkd/method.js';
import { ocgan } from './ocgan/method.js';
import { scadn } from './scadn/method.js';
import { skipGanomaly } from './skip-ganomaly/method.js';
import { smai } from './smai/method.js';

/**
 * Forgets the exact hyperparameter type, so that cards fit one list. Sound because every caller passes a card only
 * values that the card's own schema has parsed (`resolveHyperparameters`).
 */
function entry<H extends CommonHyperparameters>(card: MethodCard<H>): MethodCard {
  return card as unknown as MethodCard;
}

/** Every method, one line each. */
export const METHODS: readonly MethodCard[] = [
  entry(alocc),
  entry(cnnDictionary),
  entry(dae),
  entry(geotrans),
  entry(memae),
  entry(memstc),
  entry(mkd),
  entry(ocgan),
  entry(scadn),
  entry(skipGanomaly),
  entry(smai),
];

/**
 * The card of a method.
 * @throws AdctlError `unknown_method` (user) with the nearest known name.
 */
export function findMethod(name: string): MethodCard {
  const card = METHODS.find((candidate) => candidate.name === name);
  if (card !== undefined) return card;
  const known = METHODS.map((candidate) => candidate.name);
  const near = didYouMean(name, known);
  throw userError('unknown_method', `there is no method '${name}'`, {
    hint: near === undefined ? `Known methods: ${known.join(', ')}.` : `Did you mean '${near}'?`,
    details: { name, known },
  });
}
