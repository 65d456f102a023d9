import { positionsWhere, type SplitProtocol } from './protocol.js';

/** The split that the authors of MVTec AD made. */
export const mvtec: SplitProtocol = {
  name: 'mvtec',
  title: "MVTec AD, the authors' split, each category by itself",
  description:
    "Trains on the good training images of one category; tests on that category's test images, where every kind of defect is " +
    'anomalous. The only protocol with masks, and so with pixel metrics.',
  needsDefects: true,
  normals: (categories) => categories,
  plan: ({ dataset, normal }) => ({
    pool: positionsWhere(dataset, 'train', (label, defect) => label === normal && defect === 0),
    normalTests: positionsWhere(dataset, 'test', (label, defect) => label === normal && defect === 0),
    anomalousTests: positionsWhere(dataset, 'test', (label, defect) => label === normal && defect !== 0),
  }),
};
