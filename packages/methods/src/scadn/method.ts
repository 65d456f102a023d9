import { defineMethod } from '../method.js';
import { Hyperparameters, presets, refuse, searchSpace, warn } from './hyperparameters.js';
import { planNetworks } from './networks.js';
import { published } from './published.js';
import { SCORE_NAMES } from './score-names.js';

/** Pixels of the maps that a scoring batch may hold for each scale. */
const MAP_PIXELS = 2 ** 22;

export const scadn = defineMethod<Hyperparameters>({
  name: 'scadn',
  title: 'SCADN',
  family: 'restoration',
  paper: {
    title: 'Learning Semantic Context from Normal Samples for Unsupervised Anomaly Detection',
    authors: 'X. Yan, H. Zhang, X. Xu, X. Hu, P.-A. Heng',
    venue: 'AAAI',
    year: 2021,
    doi: '10.1609/aaai.v35i4.16420',
  },
  evidence:
    'Networks, masks, losses, order of updates and scores follow the authors’ code; the body and the tables of the paper could not be read, and sizes for small images are ours.',
  published,
  hyperparameters: Hyperparameters,
  presets,
  searchSpace,
  refuse,
  warn,
  // The authors keep the weights with the lowest masked L1 error on training images; here on held-out normal ones.
  checkpointRule: () => ({ rule: 'best', metric: 'selection.loss', burnIn: 0 }),
  dropLastBatch: true,
  frozen: [],
  networks: planNetworks,
  scores: SCORE_NAMES,
  judgedScore: 'select',
  // The own score needs the usual errors, which are measured after training.
  epochScore: 'mean',
  // Every image makes four passes a scale, which the model runs in chunks; the batch decides what the maps take.
  scoringBatch: (_h, { height, width }) => Math.max(1, Math.min(256, Math.floor(MAP_PIXELS / (height * width)))),
  contract: {
    hyperparameters: (input) => ({
      baseChannels: 2,
      residualBlocks: 1,
      ...(input.channels === 1
        ? {}
        : {
            stripes: [4],
            adversarialWeight: 0,
            maskChannel: true,
            flip: true,
            mapBlur: true,
            scaleFusion: 'normMean',
          }),
    }),
    learning: { hyperparameters: { epochs: 8 } },
  },
  load: async () => (await import('./model.js')).createScadn,
});
