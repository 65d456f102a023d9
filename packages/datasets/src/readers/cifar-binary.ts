import { readFile, stat } from 'node:fs/promises';
import type { Subset } from '../dataset.js';
import { corruptDataset } from '../errors.js';
import { checkPosition } from './gather.js';
import { checkLabels } from './idx.js';

export const CIFAR_SHAPE = { height: 32, width: 32, channels: 3 } as const;

const PLANE_BYTES = CIFAR_SHAPE.height * CIFAR_SHAPE.width;
const IMAGE_BYTES = PLANE_BYTES * CIFAR_SHAPE.channels;

/**
 * Opens CIFAR binary files as one part of a data set. A record is its label bytes, then a 32 x 32 image as three planes (red,
 * green, blue); the planes become channels last. Labels are read at once, pixels are held from the first `read` that needs a file.
 *
 * @param paths the files in order; their records follow each other.
 * @param labelBytes label bytes a record: 1 for CIFAR-10, 2 for CIFAR-100 (coarse, then fine).
 * @param labelOffset which of them is the label.
 * @throws AdctlError user `corrupt_dataset` naming file, expected and found bytes, for a size that is not a whole number of
 *   records, an empty file, or a label without a class.
 */
export async function openCifarSubset(options: {
  readonly paths: readonly string[];
  readonly labelBytes: number;
  readonly labelOffset: number;
  readonly classCount: number;
}): Promise<{ readonly subset: Subset; release(): void }> {
  const { paths, labelBytes, labelOffset } = options;
  const recordBytes = labelBytes + IMAGE_BYTES;
  const starts: number[] = [];
  const labelsOfFiles: Uint16Array[] = [];
  let count = 0;
  for (const path of paths) {
    const content = await readFile(path);
    checkSize(path, content.length, recordBytes);
    const labels = new Uint16Array(content.length / recordBytes);
    for (let record = 0; record < labels.length; record++)
      labels[record] = content[record * recordBytes + labelOffset]!;
    checkLabels(path, labels, options.classCount);
    starts.push(count);
    labelsOfFiles.push(labels);
    count += labels.length;
  }
  const labels = new Uint16Array(count);
  labelsOfFiles.forEach((part, file) => {
    labels.set(part, starts[file]!);
  });

  const held = new Map<string, Promise<Uint8Array>>();
  const contentOf = (file: number) => {
    const path = paths[file]!;
    const known = held.get(path);
    if (known !== undefined) return known;
    const loading = readUnchanged(path, labelsOfFiles[file]!.length * recordBytes).catch((error: unknown) => {
      held.delete(path); // a failed read must not be remembered: the file may be mended
      throw error;
    });
    held.set(path, loading);
    return loading;
  };
  return {
    subset: {
      count,
      labels,
      async read(indices) {
        const images = new Uint8Array(indices.length * IMAGE_BYTES);
        for (const [position, index] of indices.entries()) {
          checkPosition(index, count);
          const file = starts.findLastIndex((start) => start <= index);
          const content = await contentOf(file);
          const planes = (index - starts[file]!) * recordBytes + labelBytes;
          toChannelsLast(content.subarray(planes, planes + IMAGE_BYTES), images, position * IMAGE_BYTES);
        }
        return images;
      },
    },
    release: () => held.clear(),
  };
}

/** Writes three planes `[3, pixels]` as pixels `[pixels, 3]` into `target` from `offset` on. */
function toChannelsLast(planes: Uint8Array, target: Uint8Array, offset: number): void {
  for (let pixel = 0; pixel < PLANE_BYTES; pixel++) {
    target[offset + 3 * pixel] = planes[pixel]!;
    target[offset + 3 * pixel + 1] = planes[PLANE_BYTES + pixel]!;
    target[offset + 3 * pixel + 2] = planes[2 * PLANE_BYTES + pixel]!;
  }
}

function checkSize(path: string, size: number, recordBytes: number): void {
  if (size > 0 && size % recordBytes === 0) return;
  const expectedBytes = Math.max(1, Math.ceil(size / recordBytes)) * recordBytes;
  throw corruptDataset(
    path,
    `${size} bytes are not a whole number of records of ${recordBytes} bytes: expected ${expectedBytes} for ${expectedBytes / recordBytes}`,
    { expectedBytes, foundBytes: size },
  );
}

async function readUnchanged(path: string, expectedBytes: number): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size !== expectedBytes) {
    throw corruptDataset(path, `changed while in use: expected ${expectedBytes} bytes, found ${size}`, {
      expectedBytes,
      foundBytes: size,
    });
  }
  return readFile(path);
}
