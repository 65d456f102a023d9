import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '@adctl/protocol';
import type { DatasetFile, FileDatasetCard } from '../dataset-card.js';
import { openIdxSubset } from '../readers/idx.js';
import { encodeIdx, writeIdx } from '../readers/write-idx.js';

const SHAPE = { height: 2, width: 3, channels: 1 };
const TRAIN_LABELS = Uint8Array.of(0, 1, 0, 1);
const TEST_LABELS = Uint8Array.of(1, 0);

/** Image i of a part is filled with `start + i`. */
const pixels = (count: number, start: number) =>
  Uint8Array.from({ length: count * 6 }, (_, position) => start + Math.floor(position / 6));

const CONTENTS = {
  'train-images': { dimensions: [4, 2, 3], values: pixels(4, 10) },
  'train-labels': { dimensions: [4], values: TRAIN_LABELS },
  'test-images': { dimensions: [2, 2, 3], values: pixels(2, 200) },
  'test-labels': { dimensions: [2], values: TEST_LABELS },
};

/** An IDX data set of four training and two test images of 2 x 3 pixels, every digest pinned. */
export function tinyCard(change: Partial<FileDatasetCard> = {}): FileDatasetCard {
  const files: DatasetFile[] = Object.entries(CONTENTS).map(([name, { dimensions, values }]) => {
    const content = encodeIdx(dimensions, values);
    return { name, bytes: content.length, sha256: sha256(content) };
  });
  return {
    kind: 'files',
    name: 'tiny',
    title: 'Tiny',
    description: 'For tests.',
    licence: 'none',
    origin: 'here',
    obtain: 'adctl datasets fetch tiny',
    classes: ['zero', 'one'],
    shape: SHAPE,
    partition: { name: 'official' },
    counts: { train: 4, test: 2 },
    files,
    reader: 'idx/1',
    async open(located) {
      const pathOf = (name: string) => located.find(({ file }) => file.name === name)!.path;
      const open = (part: string) =>
        openIdxSubset({
          imagesPath: pathOf(`${part}-images`),
          labelsPath: pathOf(`${part}-labels`),
          shape: SHAPE,
          classCount: 2,
        });
      const train = await open('train');
      const test = await open('test');
      return {
        train: train.subset,
        test: test.subset,
        release: () => {
          train.release();
          test.release();
        },
      };
    },
    ...change,
  };
}

/** Writes the files of `tinyCard`, each name followed by `suffix` (`.gz` packs them). */
export async function writeTinyFiles(directory: string, suffix: '' | '.gz' = ''): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, { dimensions, values }] of Object.entries(CONTENTS)) {
    await writeIdx(join(directory, name + suffix), dimensions, values);
  }
}
