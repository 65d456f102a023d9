import { defineMethod, type PublishedResult } from '../method.js';
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

const CIFAR10 = {
  airplane: 0.9053,
  automobile: 0.9035,
  bird: 0.7966,
  cat: 0.7702,
  deer: 0.8671,
  dog: 0.914,
  frog: 0.8898,
  horse: 0.8678,
  ship: 0.9145,
  truck: 0.8891,
  mean: 0.8718,
} as const;

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
  // Only the class that a reproduction measured again (77.03) counts as reproduced.
  published: Object.entries(CIFAR10).map(
    ([normal, auroc]): PublishedResult => ({
      dataset: 'cifar10',
      protocol: 'one-class',
      normal,
      auroc,
      source: "the paper's column in the README of a public reproduction",
      reproduced: normal === 'cat',
    }),
  ),
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
