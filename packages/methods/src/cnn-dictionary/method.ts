import { defineMethod } from '../method.js';
import {
  backboneChoice,
  Hyperparameters,
  imagesAtOnce,
  presets,
  refuse,
  searchSpace,
  warn,
} from './hyperparameters.js';
import { BACKBONE, planNetworks } from './networks.js';
import { published } from './published.js';

export const cnnDictionary = defineMethod<Hyperparameters>({
  name: 'cnn-dictionary',
  title: 'Dictionary of CNN features of normal patches',
  family: 'embedding',
  paper: {
    title: 'Anomaly Detection in Nanofibrous Materials by CNN-Based Self-Similarity',
    authors: 'P. Napoletano, F. Piccoli, R. Schettini',
    venue: 'Sensors',
    year: 2018,
    doi: '10.3390/s18010209',
  },
  evidence:
    'Idea and settings from the paper’s abstract and experiment section and from the re-implementation in the MVTec AD paper; the paper’s formulas were not available, so normalisation, thresholds and image score follow an independent open implementation and our decisions.',
  published,
  hyperparameters: Hyperparameters,
  presets,
  searchSpace,
  refuse,
  warn,
  checkpointRule: () => ({ rule: 'last' }),
  dropLastBatch: false,
  frozen: [BACKBONE],
  backbone: backboneChoice,
  networks: planNetworks,
  scores: ['max', 'top1%'],
  judgedScore: 'max',
  scoringBatch: imagesAtOnce,
  contract: {
    hyperparameters: () => ({
      feature: 'layer1',
      trainingPatches: 40,
      dictionarySize: 5,
      restarts: 2,
      patchSize: 16,
      stride: 8,
    }),
    learning: { hyperparameters: { feature: 'layer2', trainingPatches: 1000, dictionarySize: 50 } },
  },
  load: async () => (await import('./model.js')).createCnnDictionary,
});
