import { defineMethod } from '../method.js';
import { imagesAtOnce } from './geometry.js';
import { Hyperparameters, presets, searchSpace, warn } from './hyperparameters.js';
import { planNetworks } from './networks.js';
import { published } from './published.js';
import { SCORE_NAMES } from './score-names.js';

export const geotrans = defineMethod<Hyperparameters>({
  name: 'geotrans',
  title: 'Geometric transformations',
  family: 'discrimination',
  paper: {
    title: 'Deep Anomaly Detection Using Geometric Transformations',
    authors: 'I. Golan, R. El-Yaniv',
    venue: 'NeurIPS',
    year: 2018,
    arxiv: '1805.10917',
  },
  evidence:
    'Transformations, network, optimiser, fit and score follow the authors’ code; formulas and figures of the paper were read through a detailed review; the clamp of underflowing logs and the order of the pairs are ours.',
  published,
  hyperparameters: Hyperparameters,
  presets,
  searchSpace,
  warn,
  checkpointRule: () => ({ rule: 'last' }),
  dropLastBatch: false,
  frozen: [],
  networks: planNetworks,
  scores: SCORE_NAMES,
  judgedScore: 'dirichlet',
  epochScore: 'turns',
  scoringBatch: (_h, input) => imagesAtOnce(input),
  contract: {
    hyperparameters: (input) => (input.channels === 1 ? {} : { score: 'simple', dirichletFit: 'heldout' }),
    learning: { hyperparameters: { epochs: 4 } },
  },
  load: async () => (await import('./model.js')).createGeotrans,
});
