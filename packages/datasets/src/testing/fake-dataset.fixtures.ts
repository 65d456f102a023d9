import { digestOf } from '@adctl/protocol';
import type { Dataset, ImageShape, Subset } from '../dataset.js';

/**
 * A data set of flat images without files: image i of a part is filled with `fill(i)`. Labels say the classes.
 */
export function fakeDataset(options: {
  readonly classes: readonly string[];
  readonly train: readonly number[];
  readonly test: readonly number[];
  readonly shape?: ImageShape;
  readonly fill?: (index: number) => number;
}): Dataset {
  const { classes, shape = { height: 2, width: 2, channels: 1 }, fill = (index) => index % 256 } = options;
  const imageBytes = shape.height * shape.width * shape.channels;
  const subset = (labels: readonly number[]): Subset => ({
    count: labels.length,
    labels: Uint16Array.from(labels),
    async read(indices) {
      const images = new Uint8Array(indices.length * imageBytes);
      indices.forEach((index, position) => {
        images.fill(fill(index), position * imageBytes, (position + 1) * imageBytes);
      });
      return images;
    },
  });
  return {
    name: 'fake',
    classes,
    shape,
    partition: { name: 'official' },
    train: subset(options.train),
    test: subset(options.test),
    digest: digestOf({ ...options, fill: undefined }),
    close: async () => undefined,
  };
}
