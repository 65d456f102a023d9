import { catsVsDogs } from './cards/cats-vs-dogs.js';
import { cifar10 } from './cards/cifar10.js';
import { cifar100, cifar100Coarse } from './cards/cifar100.js';
import { coil100 } from './cards/coil100.js';
import { fashionMnist } from './cards/fashion-mnist.js';
import { fashionMnistResplit } from './cards/fashion-mnist-resplit.js';
import { folder } from './cards/folder.js';
import { mnist } from './cards/mnist.js';
import { mvtec } from './cards/mvtec.js';
import { mvtecAd } from './cards/mvtec-ad.js';
import type { DatasetCard } from './dataset-card.js';
import { unknownDataset } from './errors.js';

/** Every data set adctl knows, in the order people see them. */
const CARDS: readonly DatasetCard[] = [
  mnist,
  fashionMnist,
  fashionMnistResplit,
  cifar10,
  cifar100,
  cifar100Coarse,
  mvtec,
  mvtecAd,
  coil100,
  catsVsDogs,
  folder,
];

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
