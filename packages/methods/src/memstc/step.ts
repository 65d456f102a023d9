import * as tf from '@tensorflow/tfjs';
import { minimize } from '../kit/minimize.js';
import type { Optimizer } from '../kit/optimizer.js';
import { scalar } from '../kit/scalars.js';
import type { Coder } from './coder.js';
import type { Hyperparameters } from './hyperparameters.js';
import type { Keys } from './keys.js';
import { blend, structureDifference, summedSquaredError } from './losses.js';
import type { Queue } from './queue.js';
import type { Structures } from './structures.js';

/** The autoencoder's and the attention's are apart, because the attention has no gradient before the queue is warm. */
export type Optimizers = Readonly<Record<'autoencoder' | 'attention', Optimizer>>;

/** What a step works with. */
export interface StepParts {
  readonly coder: Coder;
  readonly optimizers: Optimizers;
  readonly queue: Queue;
  readonly structuresOf: (images: tf.Tensor4D) => Structures;
  readonly keysOf: (structures: Structures) => Keys;
}

/** One batch of a training. */
export interface StepBatch {
  /** x, `[batch, height, width, channels]` in [0, 1]. */
  readonly images: tf.Tensor4D;
  /** For every entry of the batch, which image it is of. */
  readonly ids: Int32Array;
  /** Whether the queue holds enough for the terms with memory. */
  readonly isWarm: boolean;
}

/**
 * One update (spec, "Training"), then the batch joins the queue:
 *
 *     L = lDir sum_b SSE(Dec_b(v), x) + lMem (SSE(x^, x) + 1/2 sum_b SSE(sub_b, x)) + lStr S S (structure difference)
 *       + lAtt SSE(A sg(sub_1) + (1 - A) sg(sub_2), x),   v = Enc(x), sub_b = Dec_b(looked up value), x^ = blend(A, sub)
 *
 * The direct path is the only one that trains the encoder: what is looked up is a constant. Entries of an image are never
 * looked up by itself.
 *
 * @returns `direct`, and where they are on `memory`, `structure` and `attention`, unweighted, and their weighted `total`.
 */
export function trainOn(
  { images, ids, isWarm }: StepBatch,
  { coder, optimizers, queue, structuresOf, keysOf }: StepParts,
  h: Hyperparameters,
): Record<string, tf.Scalar> {
  return tf.tidy(() => {
    const structures = structuresOf(images);
    const keys = keysOf(structures);
    const recalled = isWarm ? recall(queue, keys, ids, h) : null;
    const decoded = recalled !== null && h.attentionWeight > 0 ? coder.decode(recalled, 'infer') : null;
    let latents: tf.Tensor2D | undefined;

    const compute = () => {
      const values = coder.encode(images, 'train+update');
      latents = tf.keep(values);
      const terms: Record<string, tf.Scalar> = {
        direct: sumOfErrors(coder.decode([values, values], 'train+update'), images),
      };
      let total = tf.mul(terms.direct!, scalar(h.directWeight)) as tf.Scalar;
      const add = (name: string, weight: number, term: tf.Scalar) => {
        terms[name] = term;
        total = tf.add(total, tf.mul(term, scalar(weight)));
      };
      if (recalled !== null) {
        const attention = coder.attend(images, 'train+update');
        if (h.memoryWeight > 0 || h.structureWeight > 0) {
          const parts = coder.decode(recalled, 'train+update');
          const rebuilt = blend(attention, parts);
          if (h.memoryWeight > 0) {
            const ofParts = tf.mul(sumOfErrors(parts, images), scalar(0.5));
            add('memory', h.memoryWeight, tf.add(summedSquaredError(rebuilt, images), ofParts));
          }
          if (h.structureWeight > 0) {
            add('structure', h.structureWeight, structureDifference(structuresOf(rebuilt), structures));
          }
        }
        if (decoded !== null) {
          add('attention', h.attentionWeight, summedSquaredError(blend(attention, decoded), images));
        }
      }
      return { ...terms, total };
    };
    const moved = isWarm ? [optimizers.autoencoder, optimizers.attention] : [optimizers.autoencoder];
    const terms = minimize(moved, compute);
    queue.enqueue({ keys, values: latents!, ids });
    latents!.dispose();
    return terms;
  });
}

function recall(queue: Queue, keys: Keys, ids: Int32Array, h: Hyperparameters): readonly [tf.Tensor2D, tf.Tensor2D] {
  const { neighbours, neighbourTemperature } = h;
  const [semantic, edges] = queue.lookUp(keys, { neighbours, neighbourTemperature, excludedIds: ids });
  return [semantic.values, edges.values];
}

function sumOfErrors([first, second]: readonly [tf.Tensor4D, tf.Tensor4D], images: tf.Tensor4D): tf.Scalar {
  return tf.add(summedSquaredError(first, images), summedSquaredError(second, images));
}
