import { userError } from '@adctl/protocol';
import * as tf from '@tensorflow/tfjs';
import type { ModelBuffer } from '../method.js';

/** A table of numbers on the host with a limited number of rows, and its copy on the device. */
export interface Rows {
  /** Rows that hold something: the first ones. */
  readonly count: number;
  readonly buffer: ModelBuffer;
  /** Overwrites rows from `start` on; the table grows to hold them. */
  put(values: Float32Array, start: number): void;
  /** Holds nothing again. */
  clear(): void;
  /** `[count, size]`, uploaded when it is first asked for after a change; belongs to the table. */
  tensor(): tf.Tensor2D;
  dispose(): void;
}

/**
 * @param what names the table in errors.
 * @param capacity most rows.
 * @param size numbers in a row.
 */
export function createRows(what: string, capacity: number, size: number): Rows {
  const values = new Float32Array(capacity * size);
  let count = 0;
  let uploaded: tf.Tensor2D | null = null;
  const forget = () => {
    uploaded?.dispose();
    uploaded = null;
  };
  return {
    get count() {
      return count;
    },
    buffer: {
      read: () => ({ shape: [count, size], data: values.subarray(0, count * size) }),
      write({ shape, data }) {
        if (shape.length !== 2 || shape[0]! > capacity || shape[1] !== size) {
          throw userError(
            'checkpoint_mismatch',
            `the checkpoint's ${what} are of shape [${shape}], the model takes [up to ${capacity}, ${size}]`,
            { hint: 'Create the model with the hyperparameters and image shape the checkpoint was made with.' },
          );
        }
        values.set(data);
        count = shape[0]!;
        forget();
      },
    },
    put(rows, start) {
      values.set(rows, start * size);
      count = Math.max(count, start + rows.length / size);
      forget();
    },
    clear() {
      count = 0;
      forget();
    },
    tensor() {
      // A copy: the backend may go on sharing the memory it is given.
      uploaded ??= tf.keep(tf.tensor2d(values.slice(0, count * size), [count, size]));
      return uploaded;
    },
    dispose: forget,
  };
}
