import { positionsOfClass, positionsWhere, type SplitProtocol } from './protocol.js';

/** The standard split ("P2" in the one-class literature). */
export const oneClass: SplitProtocol = {
  name: 'one-class',
  title: 'One class, official split',
  description:
    'Trains on the normal class of the training part; tests on the whole test part, where every other class is anomalous. ' +
    'On MNIST, Fashion-MNIST and CIFAR-10 about 10 % of the test images are normal.',
  needsDefects: false,
  normals: (classes) => classes,
  plan: ({ dataset, normal }) => ({
    pool: positionsOfClass(dataset, normal, ['train']),
    normalTests: positionsOfClass(dataset, normal, ['test']),
    anomalousTests: positionsWhere(dataset, 'test', (label) => label !== normal),
  }),
};
