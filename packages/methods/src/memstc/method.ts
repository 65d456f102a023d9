import { defineMethod } from '../method.js';
import { Hyperparameters, presets, refuse, scoringBatch, searchSpace } from './hyperparameters.js';
import { planNetworks } from './networks.js';
import { SCORE_NAMES } from './score-names.js';

export const memstc = defineMethod<Hyperparameters>({
  name: 'memstc',
  title: 'MemSTC-style structure-texture memory',
  family: 'reconstruction',
  paper: {
    title: 'Memorizing Structure-Texture Correspondence for Image Anomaly Detection',
    authors: 'K. Zhou, J. Li, Y. Xiao, J. Yang, J. Cheng, W. Liu, W. Luo, J. Liu, S. Gao',
    venue: 'IEEE TNNLS',
    year: 2022,
    doi: '10.1109/TNNLS.2021.3101403',
  },
  evidence:
    'MemSTC-style, re-implemented from the abstract: the full text and code were not available. Structures without labels, the direct path, networks, losses and score are our decisions; results must not be compared with the paper’s.',
  // The paper's figures were not available to us, and this is not the paper's method to the letter: none to quote.
  published: [],
  hyperparameters: Hyperparameters,
  presets,
  searchSpace,
  refuse,
  checkpointRule: () => ({ rule: 'last' }),
  dropLastBatch: false,
  frozen: [],
  networks: planNetworks,
  scores: SCORE_NAMES,
  judgedScore: 'combined',
  // The only one that needs no filled memory.
  epochScore: 'direct',
  scoringBatch,
  // Whole images with the default losses, cells with all of them, on narrow layers.
  contract: {
    hyperparameters: (input) =>
      input.channels === 1
        ? { stageChannels: [4, 8], latentSize: 6 }
        : {
            granularity: 'cell',
            stageChannels: [4, 8],
            latentSize: 6,
            neighbours: 2,
            positionWeight: 1,
            memoryWeight: 1,
            structureWeight: 0.06,
            retrievalWeight: 0.5,
          },
  },
  load: async () => (await import('./model.js')).createMemstc,
});
