import { positionsOfClass, positionsWhere, type SplitProtocol } from './protocol.js';

/** What `leave-one-out` calls the normal images when this class is the anomalous one. */
export function allBut(anomalous: string): string {
  return `all-but-${anomalous}`;
}

/** The protocol of Skip-GANomaly and GANomaly: one class is the anomaly. */
export const leaveOneOut: SplitProtocol = {
  name: 'leave-one-out',
  title: 'All classes but one, official split',
  description:
    'One class is anomalous, all others are normal: `normal: [all-but-2]`. Trains on the normal images of the training part; tests on ' +
    'the normal images of the test part and on every image of the anomalous class, of both parts. CIFAR-10: 45,000 training images, ' +
    '9,000 + 6,000 test images.',
  needsDefects: false,
  normals: (classes) => classes.map(allBut),
  plan: ({ dataset, normal: leftOut }) => ({
    pool: positionsWhere(dataset, 'train', (label) => label !== leftOut),
    normalTests: positionsWhere(dataset, 'test', (label) => label !== leftOut),
    anomalousTests: positionsOfClass(dataset, leftOut, ['train', 'test']),
  }),
};
