import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors, listSafetensors, type SafetensorsTensor } from './safetensors.js';

function encode(tensors: Record<string, SafetensorsTensor>, metadata: Record<string, string> = {}): Uint8Array {
  return encodeSafetensors({ tensors: new Map(Object.entries(tensors)), metadata });
}

/** A file with this header text and this many data bytes, whatever they say. */
function rawFile(header: string, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const SAMPLE: Record<string, SafetensorsTensor> = {
  bytes: { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) },
  weights: { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, -2.5, 0, 3e-8) },
  counts: { dtype: 'I64', shape: [1], data: BigInt64Array.of(-7n) },
  labels: { dtype: 'I32', shape: [2], data: Int32Array.of(5, -6) },
  scalar: { dtype: 'F32', shape: [], data: Float32Array.of(9) },
};

describe('safetensors', () => {
  test('writes the published byte layout', () => {
    const file = encode({ x: { dtype: 'F32', shape: [2], data: Float32Array.of(1, -2) } }, { a: 'b' });

    const header = '{"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect(new DataView(file.buffer).getBigUint64(0, true)).toBe(BigInt(padded.length));
    expect(new TextDecoder().decode(file.subarray(8, 8 + padded.length))).toBe(padded);
    expect([...file.subarray(8 + padded.length)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });

  test('aligns every tensor to its element size', () => {
    const file = encode(SAMPLE);
    const start = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start)));

    expect(start % 8).toBe(0);
    expect(header.counts.data_offsets[0] % 8).toBe(0);
    expect(header.weights.data_offsets[0] % 4).toBe(0);
    expect(header.bytes.data_offsets[0]).toBeGreaterThan(header.labels.data_offsets[0]);
  });

  test('decoding gives back what was encoded', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ minLength: 1 }).filter((name) => name !== '__metadata__' && name !== '__proto__'),
          fc.float32Array({ noNaN: true, maxLength: 9 }),
        ),
        fc.dictionary(
          fc.string().filter((name) => name !== '__proto__'),
          fc.string(),
        ),
        (arrays, metadata) => {
          const tensors = new Map(
            Object.entries(arrays).map(([name, data]): [string, SafetensorsTensor] => [
              name,
              { dtype: 'F32', shape: [data.length], data },
            ]),
          );
          const decoded = decodeSafetensors(encodeSafetensors({ tensors, metadata }));

          expect(Object.fromEntries(decoded.tensors)).toEqual(Object.fromEntries(tensors));
          expect({ ...decoded.metadata }).toEqual({ ...metadata });
        },
      ),
    );
  });

  test('reads Node buffers at any offset and copies out of them', () => {
    const file = encode(SAMPLE);
    const shifted = Buffer.concat([Buffer.alloc(3), file]).subarray(3);
    const { tensors } = decodeSafetensors(shifted);
    shifted.fill(0);

    expect(Object.fromEntries(tensors)).toEqual(SAMPLE);
  });

  test('keeps every element type', () => {
    expect(Object.fromEntries(decodeSafetensors(encode(SAMPLE)).tensors)).toEqual(SAMPLE);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(3), /3 bytes are too few/],
    ['a header cut short', rawFile('{}', 0).subarray(0, 9), /claims 2 bytes, the file has 1/],
    ['a header that is not JSON', rawFile('{"a"', 0), /header is not JSON/],
    ['a header that is a list', rawFile('[]', 0), /not a JSON object/],
    [
      'an entry without offsets',
      rawFile('{"w":{"dtype":"F32","shape":[1]}}', 4),
      /'w' needs dtype, shape and data_off/,
    ],
    [
      'an unknown element type',
      rawFile('{"w":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}', 2),
      /'w' is of dtype F8_E4M3; known are F32, I32, I64, U8/,
    ],
    [
      'data cut short',
      rawFile('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 4),
      /'w' ends at byte 8 of 4: the file is cut short/,
    ],
    [
      'bytes that do not fill the shape',
      rawFile('{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}', 8),
      /'w' has 8 bytes, its shape \[3\] of F32 needs others/,
    ],
    [
      'overlapping tensors',
      rawFile(
        '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}',
        6,
      ),
      /'b' overlaps the one before it at byte 2/,
    ],
    [
      'a gap',
      rawFile(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}',
        3,
      ),
      /bytes 1 to 2 before tensor 'b' belong to no tensor/,
    ],
    [
      'bytes after the last tensor',
      rawFile('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 5),
      /bytes 1 to 5 at the end/,
    ],
    ['metadata that is no text', rawFile('{"__metadata__":{"a":1}}', 0), /'__metadata__' is not a map/],
  ])('refuses %s', (_what, file, message) => {
    expect(() => decodeSafetensors(file)).toThrow(message);
  });

  test('refuses to write values that do not fill their shape', () => {
    expect(() => encode({ w: { dtype: 'F32', shape: [3], data: new Float32Array(2) } })).toThrow(
      /tensor 'w': 2 values for shape \[3\]/,
    );
  });

  const hasReader = spawnSync('python3', ['-c', 'import numpy, safetensors']).status === 0;
  test.skipIf(!hasReader)("Python's reader sees the same tensors", () => {
    const folder = mkdtempSync(join(tmpdir(), 'adctl-safetensors-'));
    const path = join(folder, 'sample.safetensors');
    writeFileSync(path, encode(SAMPLE, { format: 'test' }));
    const script = [
      'import json, sys',
      'from safetensors.numpy import load_file',
      'from safetensors import safe_open',
      'tensors = load_file(sys.argv[1])',
      'meta = safe_open(sys.argv[1], "numpy").metadata()',
      'print(json.dumps([{k: [str(t.dtype), list(t.shape), t.tolist()] for k, t in sorted(tensors.items())}, meta]))',
    ].join('\n');
    const [tensors, metadata] = JSON.parse(execFileSync('python3', ['-c', script, path], { encoding: 'utf8' }));
    rmSync(folder, { recursive: true });

    expect(tensors).toEqual({
      bytes: ['uint8', [3], [1, 2, 255]],
      counts: ['int64', [1], [-7]],
      labels: ['int32', [2], [5, -6]],
      scalar: ['float32', [], 9],
      weights: [
        'float32',
        [2, 2],
        [
          [1, -2.5],
          [0, Math.fround(3e-8)],
        ],
      ],
    });
    expect(metadata).toEqual({ format: 'test' });
  });

  test('reads the smallest file of the format description, with padding, a half-precision tensor and an odd offset', () => {
    const header = Buffer.from(
      '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[2],"data_offsets":[8,12]}}'.padEnd(
        144,
      ),
    );
    const length = Buffer.from('9000000000000000', 'hex');
    const file = Buffer.concat([length, header, Buffer.from('0000c03f000000c0003800bc', 'hex')]);
    const { tensors, metadata } = decodeSafetensors(file);

    expect(file).toHaveLength(164);
    expect(metadata).toEqual({ format: 'pt' });
    expect(tensors.get('w')).toEqual({ dtype: 'F32', shape: [2, 1], data: Float32Array.of(1.5, -2) });
    expect(tensors.get('b')).toEqual({ dtype: 'F32', shape: [2], data: Float32Array.of(0.5, -1) });
  });

  test.each<[string, string, number[]]>([
    [
      'F16',
      '0000008000 3c0100ff7b007c007e',
      [0, -0, 1, 5.9604644775390625e-8, 65504, Number.POSITIVE_INFINITY, Number.NaN],
    ],
    ['F16', '00fc00c2', [Number.NEGATIVE_INFINITY, -3]],
    ['BF16', '0000803f40c0807fc07f', [0, 1, -3, Number.POSITIVE_INFINITY, Number.NaN]],
    ['F64', '000000000000f83f', [1.5]],
  ])('widens %s 0x%s', (dtype, hex, expected) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const header = `{"w":{"dtype":"${dtype}","shape":[${expected.length}],"data_offsets":[0,${bytes.length}]}}`;
    const file = rawFile(header, bytes.length);
    file.set(bytes, file.length - bytes.length);

    expect(decodeSafetensors(file).tensors.get('w')!.data).toEqual(Float32Array.from(expected));
    expect(listSafetensors(file)).toEqual([{ name: 'w', dtype, shape: [expected.length] }]);
  });

  test('passes over tensors that nobody asked for, but not over damage in them', () => {
    const header =
      '{"n":{"dtype":"U16","shape":[1],"data_offsets":[0,2]},"x":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}';

    expect([...decodeSafetensors(rawFile(header, 3), (name) => name === 'x').tensors.keys()]).toEqual(['x']);
    expect(() => decodeSafetensors(rawFile(header, 3))).toThrow(/'n' is of dtype U16, whose values are not read here/);
    expect(() => decodeSafetensors(rawFile(header, 2), (name) => name === 'n')).toThrow(/'x' ends at byte 3 of 2/);
  });

  test('refuses a name that is there twice', () => {
    const entry = (begin: number) => `"w":{"dtype":"U8","shape":[1],"data_offsets":[${begin},${begin + 1}]}`;

    expect(() => decodeSafetensors(rawFile(`{${entry(0)},${entry(1)}}`, 2))).toThrow(/belong to no tensor/);
  });
});
