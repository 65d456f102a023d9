import { defineMethod } from '../method.js';
import { Hyperparameters, presets, refuse, searchSpace, warn } from './hyperparameters.js';
import { planNetworks } from './networks.js';
import { published } from './published.js';
import { SCORE_NAMES } from './score-names.js';

export const skipGanomaly = defineMethod<Hyperparameters>({
  name: 'skip-ganomaly',
  title: 'Skip-GANomaly',
  family: 'reconstruction',
  paper: {
    title: 'Skip-GANomaly: Skip Connected and Adversarially Trained Encoder-Decoder Anomaly Detection',
    authors: 'S. Akçay, A. Atapour-Abarghouei, T. P. Breckon',
    venue: 'IJCNN',
    year: 2019,
    arxiv: '1901.08954',
  },
  evidence:
    'Networks, losses and order follow the authors’ code; the paper’s own text was not available. The released evaluation leaks test labels through batch normalisation and reports the best test epoch; ours does neither, so the published figures cannot be expected.',
  published,
  hyperparameters: Hyperparameters,
  presets,
  searchSpace,
  refuse,
  warn,
  checkpointRule: () => ({ rule: 'last' }),
  dropLastBatch: true,
  frozen: [],
  networks: planNetworks,
  scores: SCORE_NAMES,
  // The own score is weak or inverted on ordinary images: its latent part is.
  judgedScore: 'reconstruction',
  contract: {
    hyperparameters: (input) => ({
      width: 4,
      latentSize: 8,
      ...(input.channels === 1
        ? { noiseSigma: 0.1, skipLevels: 1 }
        : { bnEval: 'instance', dLatent: 'minus', standardise: true }),
    }),
    // Few images give few updates, so larger ones; without the outer skips, because full skips learn to copy anything.
    learning: { hyperparameters: { epochs: 12, learningRate: 1e-3, skipLevels: 2 } },
  },
  load: async () => (await import('./model.js')).createSkipGanomaly,
});
