import { AdctlError } from '@adctl/protocol';
import { z } from 'zod';

/** Element types the kit writes; PyTorch's and numpy's readers know them all. */
export type SafetensorsDtype = 'F32' | 'I32' | 'I64' | 'U8';

/** A tensor outside TensorFlow: shape, element type and row-major values. */
export type SafetensorsTensor =
  | { readonly dtype: 'F32'; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: 'I32'; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: 'I64'; readonly shape: readonly number[]; readonly data: BigInt64Array }
  | { readonly dtype: 'U8'; readonly shape: readonly number[]; readonly data: Uint8Array };

/** A whole file: tensors by name and free text about them. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const BYTES_OF: Readonly<Record<SafetensorsDtype, number>> = { F32: 4, I32: 4, I64: 8, U8: 1 };
/** Element types that are only read: floats become F32, the others are checked for their size and passed over. */
const BYTES_READ: Readonly<Record<string, number>> = {
  ...BYTES_OF,
  ...{ F64: 8, U64: 8, U32: 4, F16: 2, BF16: 2, I16: 2, U16: 2, I8: 1, BOOL: 1 },
};
const LENGTH_BYTES = 8;
/** The limit of the reference implementation; a larger header is taken for damage. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA_KEY = '__metadata__';

/**
 * Writes the safetensors format: the header's length as 8 little-endian bytes, a JSON header padded with spaces to a
 * multiple of 8, then every tensor's bytes without gaps. Wider element types come first, so each tensor is aligned.
 *
 * @throws AdctlError `safetensors_invalid` (bug) when a tensor's values do not fill its shape.
 */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array {
  const ordered = [...tensors].sort(([, a], [, b]) => BYTES_OF[b.dtype] - BYTES_OF[a.dtype]);
  const header: Record<string, unknown> = Object.keys(metadata).length === 0 ? {} : { [METADATA_KEY]: metadata };
  let offset = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    if (name === METADATA_KEY || data.length !== elementCount(shape)) {
      throw invalid(`cannot write tensor '${name}': ${data.length} values for shape [${shape}]`, 'bug');
    }
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + offset).fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(json, LENGTH_BYTES);
  let position = LENGTH_BYTES + headerBytes;
  for (const [, { data }] of ordered) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return file;
}

const Entry = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
});
const Metadata = z.record(z.string(), z.string());

/** One tensor as a file's header describes it. */
export interface SafetensorsEntry {
  readonly name: string;
  /** As written in the file, e.g. `BF16`. */
  readonly dtype: string;
  readonly shape: readonly number[];
}

/**
 * Reads a safetensors file, strictly: every byte must belong to exactly one tensor. The values are copies; those of
 * F64, F16 and BF16 are given as F32.
 *
 * @param select which tensors to read; default all. The others are checked like these, only their values are left.
 * @throws AdctlError `safetensors_invalid` (permanent) naming the tensor and what is wrong: cut short, bad JSON, a name
 *   twice, an element type the kit does not have, offsets that overlap, leave a gap or do not fit the shape.
 */
export function decodeSafetensors(file: Uint8Array, select: (name: string) => boolean = () => true): Safetensors {
  const { entries, metadata, data } = readHeader(file);
  const tensors = new Map<string, SafetensorsTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    if (!select(name)) continue;
    // Not `slice`: that of a Node Buffer, which is what files are read into, shares memory at any offset.
    tensors.set(name, toTensor(name, dtype, shape, new Uint8Array(data.subarray(begin, end)).buffer));
  }
  return { tensors, metadata };
}

/**
 * What a safetensors file holds, in the header's order, after the checks of `decodeSafetensors`.
 * @throws AdctlError `safetensors_invalid` (permanent).
 */
export function listSafetensors(file: Uint8Array): readonly SafetensorsEntry[] {
  return readHeader(file).entries.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
}

interface PlacedEntry extends SafetensorsEntry {
  readonly begin: number;
  readonly end: number;
}

function readHeader(file: Uint8Array) {
  const { header, data } = splitFile(file);
  const { [METADATA_KEY]: rawMetadata = {}, ...rest } = header;
  const metadata = Metadata.safeParse(rawMetadata);
  if (!metadata.success) throw invalid(`'${METADATA_KEY}' is not a map from text to text`);
  const entries = Object.entries(rest).map(([name, raw]): PlacedEntry => {
    const entry = Entry.safeParse(raw);
    if (!entry.success) throw invalid(`tensor '${name}' needs dtype, shape and data_offsets`);
    const { dtype, shape, data_offsets } = entry.data;
    const [begin, end] = data_offsets;
    const bytes = Object.hasOwn(BYTES_READ, dtype) ? BYTES_READ[dtype] : undefined;
    if (bytes === undefined) {
      throw invalid(`tensor '${name}' is of dtype ${dtype}; known are ${Object.keys(BYTES_READ).join(', ')}`);
    }
    if (end > data.length) {
      throw invalid(`tensor '${name}' ends at byte ${end} of ${data.length}: the file is cut short`);
    }
    if (end - begin !== elementCount(shape) * bytes) {
      throw invalid(`tensor '${name}' has ${end - begin} bytes, its shape [${shape}] of ${dtype} needs others`);
    }
    return { name, dtype, shape, begin, end };
  });
  assertContiguous(entries, data.length);
  return { entries, metadata: metadata.data, data };
}

function splitFile(file: Uint8Array): { header: Record<string, unknown>; data: Uint8Array } {
  if (file.length < LENGTH_BYTES) throw invalid(`${file.length} bytes are too few for a header length`);
  const length = new DataView(file.buffer, file.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, file.length - LENGTH_BYTES))) {
    throw invalid(`the header claims ${length} bytes, the file has ${file.length - LENGTH_BYTES} after its length`);
  }
  const end = LENGTH_BYTES + Number(length);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file.subarray(LENGTH_BYTES, end)));
  } catch (cause) {
    throw invalid('the header is not JSON', 'permanent', cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw invalid('the header is not a JSON object');
  }
  return { header: header as Record<string, unknown>, data: file.subarray(end) };
}

function assertContiguous(ranges: readonly PlacedEntry[], size: number): void {
  let expected = 0;
  for (const { name, begin, end } of ranges.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin < expected) throw invalid(`tensor '${name}' overlaps the one before it at byte ${begin}`);
    if (begin > expected) throw invalid(`bytes ${expected} to ${begin} before tensor '${name}' belong to no tensor`);
    expected = end;
  }
  if (expected !== size) throw invalid(`bytes ${expected} to ${size} at the end belong to no tensor`);
}

function toTensor(name: string, dtype: string, shape: readonly number[], buffer: ArrayBufferLike): SafetensorsTensor {
  switch (dtype) {
    case 'F32':
      return { dtype, shape, data: new Float32Array(buffer) };
    case 'F64':
      return { dtype: 'F32', shape, data: Float32Array.from(new Float64Array(buffer)) };
    case 'F16':
      return { dtype: 'F32', shape, data: Float32Array.from(new Uint16Array(buffer), halfToFloat) };
    case 'BF16':
      // The upper half of a float32.
      return {
        dtype: 'F32',
        shape,
        data: new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer),
      };
    case 'I32':
      return { dtype, shape, data: new Int32Array(buffer) };
    case 'I64':
      return { dtype, shape, data: new BigInt64Array(buffer) };
    case 'U8':
      return { dtype, shape, data: new Uint8Array(buffer) };
    default:
      throw invalid(`tensor '${name}' is of dtype ${dtype}, whose values are not read here`);
  }
}

/** IEEE half precision; `Float16Array` is not in every version of Node that runs this. */
function halfToFloat(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

function invalid(reason: string, kind: 'permanent' | 'bug' = 'permanent', cause?: unknown): AdctlError {
  return new AdctlError(`not a valid safetensors file: ${reason}`, {
    code: 'safetensors_invalid',
    kind,
    hint: kind === 'bug' ? undefined : 'Fetch the file again; it is damaged or of another format.',
    cause,
  });
}
