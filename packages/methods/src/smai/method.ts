import { defineMethod } from '../method.js';
import { Hyperparameters, presets, refuse, searchSpace, segmentCount, warn } from './hyperparameters.js';
import { planNetworks } from './networks.js';
import { published } from './published.js';
import { SCORE_NAMES } from './score-names.js';

/** Masked passes that a scoring batch may ask for; the model runs them in chunks that fit into memory. */
const MAX_PASSES = 4096;

export const smai = defineMethod<Hyperparameters>({
  name: 'smai',
  title: 'Superpixel masking and inpainting',
  family: 'restoration',
  paper: {
    title: 'Superpixel Masking and Inpainting for Self-Supervised Anomaly Detection',
    authors: 'Z. Li, N. Li, K. Jiang, Z. Ma, X. Wei, X. Hong, Y. Gong',
    venue: 'BMVC',
    year: 2020,
  },
  evidence:
    'SMAI-style reimplementation: the idea follows the paper’s abstract, SLIC and SSIM their published definitions; network, losses, schedule and scores are our decisions, because no code was published and the paper’s body could not be read.',
  published,
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
  judgedScore: 'l2_sum',
  // One pass per superpixel: a batch of images is worth as many passes.
  scoringBatch: (h, input) => Math.max(1, Math.min(256, Math.floor(MAX_PASSES / segmentCount(h, input)))),
  // Few superpixels and a narrow network; the colour images take the other branches.
  contract: {
    hyperparameters: (input) =>
      input.channels === 1
        ? { baseChannels: 4, levels: 2 }
        : {
            baseChannels: 4,
            levels: 3,
            superpixelSide: 16,
            partialConv: true,
            flip: true,
            grouped: true,
            mapBlur: true,
          },
    learning: { hyperparameters: { epochs: 6 } },
  },
  load: async () => (await import('./model.js')).createSmai,
});
