import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

/** An IDX file of uint8 values as bytes. */
export function encodeIdx(dimensions: readonly number[], values: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * dimensions.length);
  header.writeUInt16BE(0, 0);
  header.writeUInt8(0x08, 2);
  header.writeUInt8(dimensions.length, 3);
  dimensions.forEach((length, axis) => {
    header.writeUInt32BE(length, 4 + 4 * axis);
  });
  return Buffer.concat([header, values]);
}

/** Writes an IDX file, gzipped when the path ends in `.gz`. */
export async function writeIdx(path: string, dimensions: readonly number[], values: Uint8Array): Promise<void> {
  const content = encodeIdx(dimensions, values);
  await writeFile(path, path.endsWith('.gz') ? gzipSync(content) : content);
}
