import { mnist } from './cards/mnist.js';
import type { DatasetCard } from './dataset-card.js';
import { unknownDataset } from './errors.js';

/** Every data set adctl knows, in the order people see them. */
const CARDS: readonly DatasetCard[] = [mnist];

/** The cards of all data sets. */
export function listDatasets(): readonly DatasetCard[] {
  return CARDS;
}

/** The card of this name. @throws AdctlError user `unknown_dataset` with the nearest name as hint. */
export function findDataset(name: string): DatasetCard {
  const card = CARDS.find((candidate) => candidate.name === name);
  if (card === undefined) {
    throw unknownDataset(
      name,
      CARDS.map((candidate) => candidate.name),
    );
  }
  return card;
}
