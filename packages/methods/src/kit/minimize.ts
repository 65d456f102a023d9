import { AdctlError } from '@adctl/protocol';
import * as tf from '@tensorflow/tfjs';
import type { Optimizer } from './optimizer.js';

/**
 * One gradient step: computes the loss, moves exactly the variables of the given optimizers (together, all from the
 * same gradients), frees everything but the reported terms.
 *
 * A tensor computed outside `compute` is a constant: TensorFlow.js has no stop-gradient, so what must not receive a
 * gradient is computed before.
 *
 * @param compute returns the scalar `total`, which is minimised, and further scalars that are only reported.
 * @returns the same terms, which the caller disposes; they survive a surrounding `tf.tidy`.
 * @throws AdctlError `missing_gradient` (bug) naming a variable on which `total` does not depend.
 */
export function minimize<Term extends string>(
  optimizers: Optimizer | readonly Optimizer[],
  compute: () => Readonly<Record<Term | 'total', tf.Scalar>>,
): Record<Term | 'total', tf.Scalar> {
  const list: readonly Optimizer[] = 'variables' in optimizers ? [optimizers] : optimizers;
  const variables = list.flatMap((optimizer) => optimizer.variables);
  let terms: Record<Term | 'total', tf.Scalar> | undefined;
  const { grads } = tf.variableGrads(
    () => {
      terms = compute();
      for (const term of Object.values<tf.Scalar>(terms)) tf.keep(term);
      return terms.total;
    },
    variables.map((v) => v.variable),
  );
  for (const optimizer of list) {
    const gradients = optimizer.variables.map((v) => {
      const gradient = grads[v.variable.name];
      if (gradient != null) return gradient;
      throw new AdctlError(`the loss does not depend on '${v.name}', which its optimizer should move`, {
        code: 'missing_gradient',
        kind: 'bug',
        details: { variable: v.name },
      });
    });
    optimizer.update(gradients);
  }
  tf.dispose(grads);
  return terms!;
}
