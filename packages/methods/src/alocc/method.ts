import { defineMethod } from '../method.js';
import { checkpointRule, Hyperparameters, presets, searchSpace, warn } from './hyperparameters.js';
import { planNetworks } from './networks.js';
import { published } from './published.js';
import { SCORE_NAMES } from './score-names.js';

export const alocc = defineMethod<Hyperparameters>({
  name: 'alocc',
  title: 'Adversarially learned one-class classifier',
  family: 'discrimination',
  paper: {
    title: 'Adversarially Learned One-Class Classifier for Novelty Detection',
    authors: 'M. Sabokrou, M. Khalooei, M. Fathy, E. Adeli',
    venue: 'CVPR',
    year: 2018,
    arxiv: '1802.09088',
  },
  evidence:
    'Read in the paper and the authors’ code, which contradict each other in the loss, its weight and the score; reduction, optimiser, pixel range and stopping rule are ours. Its score may invert from one epoch to the next; others who tried report the same.',
  published,
  hyperparameters: Hyperparameters,
  presets,
  searchSpace,
  warn,
  checkpointRule,
  dropLastBatch: true,
  frozen: [],
  networks: planNetworks,
  scores: SCORE_NAMES,
  // The own score is erratic; its acceptance asks the reconstruction error.
  judgedScore: 'rec',
  contract: {
    hyperparameters: (input) =>
      input.channels === 1
        ? { width: 2, optimizer: 'rmsprop', learningRate: 2e-4, stop: 'rho' }
        : { width: 2, reconstructorSteps: 2, recLoss: 'l2sum' },
    // Few images give few updates: more weight on the term that the judged score rests on.
    learning: { hyperparameters: { lambdaRec: 10 } },
  },
  load: async () => (await import('./model.js')).createAlocc,
});
