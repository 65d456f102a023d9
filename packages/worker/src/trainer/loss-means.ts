import { scalar } from '@adctl/methods/kit';
import type { Scalar } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';

/** Sum and number of the values of one loss term, JSON-safe; the sum is a float32 value, so a copy goes on exactly. */
export interface LossSum {
  readonly sum: number;
  readonly count: number;
}

/**
 * Running means of the named losses of one epoch. The sums stay on the device: reading waits for it, so a step only
 * adds. It owns its tensors until `reset` or `dispose`.
 */
export interface LossMeans {
  /** Adds one step's losses and disposes them. */
  add(losses: Readonly<Record<string, Scalar>>): void;
  /** The sums as numbers; waits for the device. */
  sums(): Promise<Record<string, LossSum>>;
  /** Forgets everything; the next epoch starts. */
  reset(): void;
  dispose(): void;
}

/** Creates the means, empty or going on from saved sums. */
export function createLossMeans(saved: Readonly<Record<string, LossSum>> = {}): LossMeans {
  const terms = new Map<string, { sum: Scalar; count: number }>();
  for (const [name, { sum, count }] of Object.entries(saved)) terms.set(name, { sum: tf.scalar(sum), count });
  const reset = () => {
    for (const { sum } of terms.values()) sum.dispose();
    terms.clear();
  };
  return {
    add(losses) {
      for (const [name, loss] of Object.entries(losses)) {
        const term = terms.get(name);
        if (term === undefined) {
          // A copy, because nobody promises that two names are two tensors.
          terms.set(name, { sum: tf.tidy(() => tf.add(loss, scalar(0))), count: 1 });
        } else {
          const sum = tf.tidy(() => tf.add<Scalar>(term.sum, loss));
          term.sum.dispose();
          terms.set(name, { sum, count: term.count + 1 });
        }
      }
      tf.dispose(losses as Record<string, Scalar>);
    },
    async sums() {
      const result: Record<string, LossSum> = {};
      for (const [name, { sum, count }] of terms) result[name] = { sum: (await sum.data())[0]!, count };
      return result;
    },
    reset,
    dispose: reset,
  };
}

/** Sum divided by count of every term. */
export function toMeans(sums: Readonly<Record<string, LossSum>>): Record<string, number> {
  return Object.fromEntries(Object.entries(sums).map(([name, { sum, count }]) => [name, sum / count]));
}
