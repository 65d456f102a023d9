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
import { planNetworks, TEACHER } from './networks.js';
import { published } from './published.js';

export const mkd = defineMethod<Hyperparameters>({
  name: 'mkd',
  title: 'Multiresolution knowledge distillation',
  family: 'distillation',
  paper: {
    title: 'Multiresolution Knowledge Distillation for Anomaly Detection',
    authors: 'M. Salehi, N. Sadjadi, S. Baselizadeh, M. H. Rohban, H. R. Rabiee',
    venue: 'CVPR',
    year: 2021,
    arxiv: '2011.11108',
  },
  evidence:
    'Networks, losses, score and maps from the authors’ code, which was read in full, beside the paper’s text; other teachers than VGG16 and everything about random ones are our decisions.',
  published,
  hyperparameters: Hyperparameters,
  presets,
  searchSpace,
  refuse,
  warn,
  checkpointRule: () => ({ rule: 'last' }),
  dropLastBatch: false,
  frozen: [TEACHER],
  backbone: backboneChoice,
  networks: planNetworks,
  scores: ['total', 'direction', 'value'],
  judgedScore: 'total',
  scoringBatch: imagesAtOnce,
  contract: {
    // Both a plain and a residual teacher, the latter with linear taps and statistics to calibrate.
    hyperparameters: (input) =>
      input.channels === 1
        ? { teacherChannels: 0.125, bottleneck: 4 }
        : { teacher: 'efficientnet-lite0', teacherChannels: 0.25, bottleneck: 4, lambdaMode: 'balance' },
    learning: { hyperparameters: { epochs: 12 } },
  },
  load: async () => (await import('./model.js')).createMkd,
});
