import { tooFewImages } from '../errors.js';
import { positionsOfClass, type SplitProtocol } from './protocol.js';

/** The standard split ("P2" in the one-class literature). */
export const oneClass: SplitProtocol = {
  name: 'one-class',
  title: 'One class, official split',
  description:
    'Trains on the normal class of the training part; tests on the whole test part, where every other class is anomalous. ' +
    'On MNIST, Fashion-MNIST and CIFAR-10 about 10 % of the test images are normal.',
  plan({ dataset, normal }) {
    const pool = positionsOfClass(dataset, normal, ['train']);
    const test = Array.from({ length: dataset.test.count }, (_, index) => dataset.train.count + index);
    const normalTests = positionsOfClass(dataset, normal, ['test']).length;
    const name = dataset.classes[normal] ?? String(normal);
    if (normalTests === 0) {
      throw tooFewImages({ class: name, found: 0, needed: 1, purpose: 'the test part of one-class' });
    }
    if (normalTests === test.length) {
      throw tooFewImages({ class: `anything but ${name}`, found: 0, needed: 1, purpose: 'the test part of one-class' });
    }
    return { pool, test };
  },
};
