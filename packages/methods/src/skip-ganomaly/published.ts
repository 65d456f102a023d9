import type { PublishedResult } from '../published-result.js';

const RECALLED = 'IJCNN 2019 paper, recalled and not verified; its evaluation leaks test labels';
const QUOTED = 'IJCNN 2019 paper, quoted in a secondary source; its evaluation leaks test labels';

/** AUROC of CIFAR-10 with one class anomalous and the other nine normal, by the anomalous class. */
const CIFAR10 = {
  airplane: [0.797, RECALLED],
  automobile: [0.953, QUOTED],
  bird: [0.448, RECALLED],
  cat: [0.607, RECALLED],
  deer: [0.602, RECALLED],
  dog: [0.615, RECALLED],
  frog: [0.931, RECALLED],
  horse: [0.788, RECALLED],
  ship: [0.659, RECALLED],
  truck: [0.907, RECALLED],
} as const;

/** Runs of the released code by others differ widely, and all share its leak. */
export const published: readonly PublishedResult[] = Object.entries(CIFAR10).map(([anomalous, [value, source]]) => ({
  dataset: 'cifar10',
  protocol: 'leave-one-out',
  anomalous,
  metric: 'auroc',
  value,
  source,
  recalled: source === RECALLED,
  reproduced: false,
}));
