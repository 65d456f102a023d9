import { defineMethod } from '../method.js';
import { Hyperparameters, presets, refuse, searchSpace, warn } from './hyperparameters.js';
import { planNetworks } from './networks.js';
import { SCORE_NAMES } from './score-names.js';

export const dae = defineMethod<Hyperparameters>({
  name: 'dae',
  title: 'Autoencoder and denoising autoencoder',
  family: 'reconstruction',
  paper: {
    title: 'Anomaly Detection Using Autoencoders with Nonlinear Dimensionality Reduction',
    authors: 'M. Sakurada, T. Yairi',
    venue: 'MLSDA',
    year: 2014,
    doi: '10.1145/2689746.2689747',
  },
  evidence:
    'Idea and comparison from the paper’s abstract, loss in the form of the tutorial it cites; layer sizes, optimiser, noise levels and everything about images are our decisions.',
  // The paper measures telemetry, not images, and its figures were not available to us: none to quote.
  published: [],
  hyperparameters: Hyperparameters,
  presets,
  searchSpace,
  refuse,
  warn,
  checkpointRule: () => ({ rule: 'last' }),
  dropLastBatch: false,
  frozen: [],
  networks: planNetworks,
  scores: SCORE_NAMES,
  judgedScore: 'mean',
  // Both families and two kinds of noise, on narrow layers.
  contract: {
    hyperparameters: (input) =>
      input.channels === 1
        ? { hiddenUnits: [32, 16], latentSize: 8, noise: 'mask' }
        : { arch: 'conv', stageChannels: [4, 8], latentSize: 8, noise: 'gauss' },
  },
  load: async () => (await import('./model.js')).createDae,
});
