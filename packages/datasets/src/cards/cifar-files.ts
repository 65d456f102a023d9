import type { FileDatasetCard, LocatedFile } from '../dataset-card.js';
import { openCifarSubset } from '../readers/cifar-binary.js';

/** How a card opens CIFAR binary files: which files make which part, and where the label stands in a record. */
export function openCifarFiles(layout: {
  readonly train: readonly string[];
  readonly test: readonly string[];
  readonly labelBytes: number;
  readonly labelOffset: number;
  readonly classCount: number;
}): FileDatasetCard['open'] {
  return async (located) => {
    const openPart = (names: readonly string[]) =>
      openCifarSubset({ ...layout, paths: names.map((name) => pathOf(located, name)) });
    const train = await openPart(layout.train);
    const test = await openPart(layout.test);
    return {
      train: train.subset,
      test: test.subset,
      release() {
        train.release();
        test.release();
      },
    };
  };
}

function pathOf(located: readonly LocatedFile[], name: string): string {
  const found = located.find(({ file }) => file.name === name);
  if (found === undefined) throw new Error(`card opened without ${name}`);
  return found.path;
}
