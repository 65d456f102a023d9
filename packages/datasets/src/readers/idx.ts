import { open, readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ImageShape, Subset } from '../dataset.js';
import { corruptDataset } from '../errors.js';
import { gatherImages } from './gather.js';

const gunzipAsync = promisify(gunzip);

/** More than any file we read unpacks to; a smaller `.gz` that claims more is refused instead of filling the memory. */
const MAX_UNPACKED_BYTES = 2 ** 30;
const UINT8_TYPE = 0x08;

/** An IDX file of uint8 values whose header was checked against its size. */
export interface IdxFile {
  readonly path: string;
  /** Sizes of the axes, outermost first. */
  readonly dimensions: readonly number[];
  /** The values, row-major. Raw files are read here, not when opened. @throws AdctlError user `corrupt_dataset`. */
  readValues(): Promise<Uint8Array>;
}

/**
 * Opens an IDX file (the MNIST format: two zero bytes, type, rank, big-endian uint32 sizes, values), gzipped if its name
 * ends in `.gz`.
 *
 * @param rank how many axes the file must have: 1 for labels, 3 for grey images.
 * @throws AdctlError user `corrupt_dataset` naming file, expected and found, for a wrong magic number, element type or rank, a
 *   truncated header or body, surplus bytes, or a broken gzip stream.
 */
export async function openIdx(path: string, rank: number): Promise<IdxFile> {
  const headerBytes = 4 + 4 * rank;
  if (path.endsWith('.gz')) {
    const content = await unpack(path);
    const dimensions = parseHeader(path, content.subarray(0, headerBytes), rank, content.length);
    const values = content.subarray(headerBytes);
    return { path, dimensions, readValues: async () => values };
  }
  const { header, size } = await readHeader(path, headerBytes);
  const dimensions = parseHeader(path, header, rank, size);
  return {
    path,
    dimensions,
    async readValues() {
      const content = await readFile(path);
      if (content.length !== size) {
        throw corruptDataset(path, `changed while in use: expected ${size} bytes, found ${content.length}`);
      }
      return content.subarray(headerBytes);
    },
  };
}

/**
 * Opens a pair of IDX files as one part of a data set. Labels are read and checked at once; pixels at the first `read`, then held.
 *
 * @param shape the card's image shape; channels must be 1, which is all that rank 3 holds.
 * @throws AdctlError user `corrupt_dataset` as `openIdx`, and when the counts disagree, the image size is another, or a label has no class.
 */
export async function openIdxSubset(options: {
  readonly imagesPath: string;
  readonly labelsPath: string;
  readonly shape: ImageShape;
  readonly classCount: number;
}): Promise<{ readonly subset: Subset; release(): void }> {
  const { imagesPath, labelsPath, shape } = options;
  const images = await openIdx(imagesPath, 3);
  const labelFile = await openIdx(labelsPath, 1);
  const [count = 0, height, width] = images.dimensions;
  if (height !== shape.height || width !== shape.width) {
    throw corruptDataset(
      imagesPath,
      `images are ${height} x ${width}, expected ${shape.height} x ${shape.width} (height x width)`,
    );
  }
  const labelCount = labelFile.dimensions[0];
  if (labelCount !== count) {
    throw corruptDataset(labelsPath, `holds ${labelCount} labels for the ${count} images of ${imagesPath}`, {
      expected: count,
      found: labelCount,
    });
  }
  const labels = Uint16Array.from(await labelFile.readValues());
  checkLabels(labelsPath, labels, options.classCount);

  let held: Promise<Uint8Array> | undefined;
  const release = () => {
    held = undefined;
  };
  const pixels = () => {
    held ??= images.readValues().catch((error: unknown) => {
      release(); // a failed read must not be remembered: the file may be mended
      throw error;
    });
    return held;
  };
  return {
    subset: {
      count,
      labels,
      read: async (indices) => gatherImages(await pixels(), shape.height * shape.width, count, indices),
    },
    release,
  };
}

/** @throws AdctlError user `corrupt_dataset` for the first label that is not below `classCount`. */
export function checkLabels(path: string, labels: Uint16Array, classCount: number): void {
  const bad = labels.findIndex((label) => label >= classCount);
  if (bad >= 0) {
    throw corruptDataset(path, `label ${labels[bad]} at position ${bad} is out of range 0..${classCount - 1}`);
  }
}

async function readHeader(path: string, headerBytes: number): Promise<{ header: Uint8Array; size: number }> {
  const handle = await open(path, 'r');
  try {
    const { size } = await stat(path);
    const { bytesRead, buffer } = await handle.read(new Uint8Array(headerBytes), 0, headerBytes, 0);
    return { header: buffer.subarray(0, bytesRead), size };
  } finally {
    await handle.close();
  }
}

function parseHeader(path: string, header: Uint8Array, rank: number, size: number): number[] {
  const headerBytes = 4 + 4 * rank;
  if (header.length < headerBytes) {
    throw corruptDataset(path, `truncated header: expected ${headerBytes} bytes, found ${header.length}`, {
      expectedBytes: headerBytes,
      foundBytes: header.length,
    });
  }
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const magic = view.getUint32(0);
  const expectedMagic = (UINT8_TYPE << 8) | rank;
  if (magic !== expectedMagic) {
    const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`;
    throw corruptDataset(path, `wrong magic number: expected ${hex(expectedMagic)}, found ${hex(magic)}`, {
      expected: expectedMagic,
      found: magic,
    });
  }
  const dimensions = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const expectedBytes = headerBytes + dimensions.reduce((product, length) => product * length, 1);
  if (size !== expectedBytes) {
    const reason = size < expectedBytes ? 'truncated body' : 'surplus bytes after the body';
    throw corruptDataset(path, `${reason}: expected ${expectedBytes} bytes, found ${size}`, {
      expectedBytes,
      foundBytes: size,
    });
  }
  return dimensions;
}

async function unpack(path: string): Promise<Uint8Array> {
  const packed = await readFile(path);
  try {
    return await gunzipAsync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw corruptDataset(path, `broken gzip stream: ${reason}`, {}, cause);
  }
}
