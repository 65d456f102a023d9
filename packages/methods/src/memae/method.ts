import { defineMethod } from '../method.js';
import { Hyperparameters, presets, refuse, searchSpace, warn } from './hyperparameters.js';
import { planNetworks } from './networks.js';
import { published } from './published.js';
import { SCORE_NAMES } from './score-names.js';

export const memae = defineMethod<Hyperparameters>({
  name: 'memae',
  title: 'Memory-augmented autoencoder',
  family: 'reconstruction',
  paper: {
    title:
      'Memorizing Normality to Detect Anomaly: Memory-augmented Deep Autoencoder for Unsupervised Anomaly Detection',
    authors: 'D. Gong, L. Liu, V. Le, B. Saha, M. R. Mansour, S. Venkatesh, A. van den Hengel',
    venue: 'ICCV',
    year: 2019,
    arxiv: '1904.02639',
  },
  evidence:
    'Memory module and loss follow the authors’ video code and two summaries of the paper; the image networks, whose code was never released, follow independent re-implementations; temperature, dead-query fallback, schedule and the networks above 32x32 are ours.',
  published,
  hyperparameters: Hyperparameters,
  presets,
  searchSpace,
  refuse,
  warn,
  checkpointRule: () => ({ rule: 'last' }),
  // Batch statistics of a few left-over images would stay in the moving averages that scoring uses.
  dropLastBatch: true,
  frozen: [],
  networks: planNetworks,
  scores: SCORE_NAMES,
  judgedScore: 'mse',
  // Narrow layers; one memory of whole images and one of positions, with both kinds of addressing.
  contract: {
    hyperparameters: (input) =>
      input.channels === 1
        ? { stageChannels: [4, 8, 8], memorySize: 20 }
        : { stageChannels: [4, 8, 8], memorySize: 20, slot: 'cell', addressing: 'dot', activation: 'leakyRelu' },
    // `quick` has a tenth of the updates here that it has on MNIST.
    learning: { hyperparameters: { learningRate: 3e-3, epochs: 15 } },
  },
  load: async () => (await import('./model.js')).createMemae,
});
