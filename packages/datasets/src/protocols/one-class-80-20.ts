import { tooFewImages } from '../errors.js';
import { positionsOfClass, type SplitProtocol } from './protocol.js';

const TRAIN_SHARE = 0.8;

/** Protocol 1 ("P1") of the OCGAN paper, which took it from earlier work. */
export const oneClass8020: SplitProtocol = {
  name: 'one-class-80-20',
  title: 'One class, pooled, 80/20, half of the test images anomalous',
  description:
    'Pools all images of the normal class, trains on 80 % and tests on 20 %, drawn with the split seed. Anomalies are drawn from ' +
    'all images of the other classes, round(normal test images / other classes) of each, so that about half of the test images ' +
    'are anomalous. The authors of OCGAN took the first files in directory order instead of drawing them.',
  needsDefects: false,
  normals: (classes) => classes,
  plan({ dataset, normal, generator }) {
    const pooled = positionsOfClass(dataset, normal, ['train', 'test']);
    const shuffled = generator('80-20').shuffled(pooled);
    const trainCount = Math.round(TRAIN_SHARE * pooled.length);
    const normalTests = shuffled.slice(trainCount);
    const others = [...dataset.classes.keys()].filter((label) => label !== normal);
    const className = (label: number) => dataset.classes[label] ?? String(label);
    const perClass = Math.max(1, Math.round(normalTests.length / others.length));
    const anomalousTests = others.flatMap((label) => {
      const candidates = positionsOfClass(dataset, label, ['train', 'test']);
      if (candidates.length < perClass) {
        const facts = { class: className(label), found: candidates.length, needed: perClass };
        throw tooFewImages({ ...facts, purpose: `one-class-80-20 with normal class '${className(normal)}'` });
      }
      return generator(`anomalies ${className(label)}`)
        .shuffled(candidates)
        .slice(0, perClass);
    });
    return { pool: shuffled.slice(0, trainCount), normalTests, anomalousTests };
  },
};
