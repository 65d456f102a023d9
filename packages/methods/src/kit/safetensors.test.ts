import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors, type SafetensorsTensor } from './safetensors.js';

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
      rawFile('{"w":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}', 2),
      /'w' is of dtype BF16; known are F32, I32, I64, U8/,
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
});
