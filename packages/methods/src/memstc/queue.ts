import type * as tf from '@tensorflow/tfjs';
import { createBuffer } from '../kit/buffers.js';
import type { ModelBuffer } from '../method.js';
import type { Keys } from './keys.js';
import { type LookUpOptions, lookUp, type Match } from './look-up.js';
import { createRows } from './rows.js';

/** What the memory is told. */
export interface Entries {
  /** `[count, size]` each. */
  readonly keys: Keys;
  /** Latents, `[count, size]`. */
  readonly values: tf.Tensor2D;
  /** Which image each entry is of: position among the training images. */
  readonly ids: Int32Array;
}

/** The structure-texture correspondence memory: a queue of pairs, no variables, no gradient. */
export interface Queue {
  readonly count: number;
  readonly buffers: Readonly<Record<string, ModelBuffer>>;
  /** Adds entries, in place of the oldest when it is full. The caller keeps owning the tensors. */
  enqueue(entries: Entries): void;
  clear(): void;
  /** The values that go with the nearest keys, for each kind of key; see `lookUp`. It must hold something. */
  lookUp(keys: Keys, options: LookUpOptions): readonly [semantic: Match, edges: Match];
  dispose(): void;
}

export interface QueueOptions {
  /** Begins the names of its buffers, e.g. `queue`. */
  readonly name: string;
  readonly capacity: number;
  readonly keySizes: readonly [semantic: number, edges: number];
  readonly valueSize: number;
}

/** An empty queue: a ring of `capacity` entries. */
export function createQueue({ name, capacity, keySizes, valueSize }: QueueOptions): Queue {
  const rows = (what: string, size: number) => createRows(`${name}/${what}`, capacity, size);
  const keys = [rows('semanticKeys', keySizes[0]), rows('edgeKeys', keySizes[1])] as const;
  const values = rows('values', valueSize);
  const ids = rows('ids', 1);
  const tables = [...keys, values, ids];
  /** Where the next entry goes, from 0. */
  const next = createBuffer();
  const readNext = () => next.read().data[0] ?? 0;
  const writeNext = (index: number) => next.write({ shape: [1], data: Float32Array.of(index) });

  return {
    get count() {
      return ids.count;
    },
    buffers: {
      [`${name}/semanticKeys`]: keys[0].buffer,
      [`${name}/edgeKeys`]: keys[1].buffer,
      [`${name}/values`]: values.buffer,
      [`${name}/ids`]: ids.buffer,
      [`${name}/next`]: next,
    },
    enqueue(entries) {
      const total = entries.ids.length;
      const columns = [
        ...[...entries.keys, entries.values].map((tensor) => tensor.dataSync<'float32'>()),
        Float32Array.from(entries.ids),
      ];
      const skipped = Math.max(0, total - capacity);
      let target = (readNext() + skipped) % capacity;
      for (let start = skipped; start < total; ) {
        const length = Math.min(total - start, capacity - target);
        for (const [i, column] of columns.entries()) {
          const size = column.length / total;
          tables[i]!.put(column.subarray(start * size, (start + length) * size), target);
        }
        start += length;
        target = (target + length) % capacity;
      }
      writeNext(target);
    },
    clear() {
      for (const table of tables) table.clear();
      writeNext(0);
    },
    lookUp(asked, options) {
      const [semantic, edges] = keys.map((table, b) =>
        lookUp(asked[b]!, { keys: table.tensor(), values: values.tensor(), ids: ids.tensor() }, options),
      );
      return [semantic!, edges!];
    },
    dispose() {
      for (const table of tables) table.dispose();
    },
  };
}
