import { defineMethod } from '../method.js';
import { Hyperparameters, presets, searchSpace } from './hyperparameters.js';
import { geometryOf, planNetworks } from './networks.js';
import { published } from './published.js';

export const ocgan = defineMethod<Hyperparameters>({
  name: 'ocgan',
  title: 'OCGAN',
  family: 'reconstruction',
  paper: {
    title: 'OCGAN: One-class Novelty Detection Using GANs with Constrained Latent Representations',
    authors: 'P. Perera, R. Nallapati, B. Xiang',
    venue: 'CVPR',
    year: 2019,
    arxiv: '1903.08550',
  },
  evidence:
    'Losses and order follow the paper as read through secondary sources, layers the authors’ code; batch-norm modes, geometry native32 and the schedule are ours. No public reproduction of the published figures exists.',
  published,
  hyperparameters: Hyperparameters,
  presets,
  searchSpace,
  refuse: (h, input) =>
    h.geometry === 'native32' && (input.height > 32 || input.width > 32)
      ? `geometry native32 takes images up to 32x32, got ${input.height}x${input.width}; set dataset.image to 32x32 or geometry to paper61`
      : null,
  // Spec 3.6: validation error among the epochs past the first half; earlier ones would win before mining began.
  checkpointRule: () => ({ rule: 'best', metric: 'selection.loss', burnIn: 0.5 }),
  dropLastBatch: true,
  frozen: [],
  networks: (h, input) => planNetworks(h, geometryOf(h, input)),
  scores: ['mse', 'dv_recon', 'dv_input', 'classifier_recon'],
  judgedScore: 'mse',
  // Narrow nets that mine from the first epoch, so that the contract exercises every step.
  contract: {
    hyperparameters: () => ({
      encoderWidth: 4,
      classifierWidth: 4,
      visualWidth: 3,
      mineStartFraction: 0,
      mineSteps: 2,
    }),
  },
  load: async () => (await import('./model.js')).createOcgan,
});
