import type { DatasetFile, FileDatasetCard, LocatedFile } from '../dataset-card.js';
import { openIdxSubset } from '../readers/idx.js';

/** The four files of the MNIST family with their unpacked sizes. */
const IDX_FILES = {
  trainImages: { name: 'train-images-idx3-ubyte', aliases: ['train-images.idx3-ubyte'], bytes: 47_040_016 },
  trainLabels: { name: 'train-labels-idx1-ubyte', aliases: ['train-labels.idx1-ubyte'], bytes: 60_008 },
  testImages: { name: 't10k-images-idx3-ubyte', aliases: ['t10k-images.idx3-ubyte'], bytes: 7_840_016 },
  testLabels: { name: 't10k-labels-idx1-ubyte', aliases: ['t10k-labels.idx1-ubyte'], bytes: 10_008 },
} as const satisfies Record<string, DatasetFile>;

export const MNIST_SHAPE = { height: 28, width: 28, channels: 1 } as const;

type Pins = Readonly<Record<keyof typeof IDX_FILES, Pick<DatasetFile, 'sha256' | 'gzipSha256'>>>;

/** The four files with a card's pinned digests. */
export function idxFiles(pins: Pins): DatasetFile[] {
  return [
    { ...IDX_FILES.trainImages, ...pins.trainImages },
    { ...IDX_FILES.trainLabels, ...pins.trainLabels },
    { ...IDX_FILES.testImages, ...pins.testImages },
    { ...IDX_FILES.testLabels, ...pins.testLabels },
  ];
}

/** Opens the four files as `train` and `test` with ten classes of 28 x 28 grey images. */
export const openIdxFiles: FileDatasetCard['open'] = async (located) => {
  const train = await openPart(located, IDX_FILES.trainImages, IDX_FILES.trainLabels);
  const test = await openPart(located, IDX_FILES.testImages, IDX_FILES.testLabels);
  return {
    train: train.subset,
    test: test.subset,
    release() {
      train.release();
      test.release();
    },
  };
};

function openPart(located: readonly LocatedFile[], images: DatasetFile, labels: DatasetFile) {
  return openIdxSubset({
    imagesPath: pathOf(located, images),
    labelsPath: pathOf(located, labels),
    shape: MNIST_SHAPE,
    classCount: 10,
  });
}

function pathOf(located: readonly LocatedFile[], file: DatasetFile): string {
  const found = located.find((candidate) => candidate.file.name === file.name);
  if (found === undefined) throw new Error(`card opened without ${file.name}`);
  return found.path;
}
