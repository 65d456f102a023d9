import { createGenerator, type RandomGenerator } from '@adctl/random';
import type { ParameterPlan } from './parameter-plan.js';
import { sizeOf } from './shapes.js';

/** Which parameter of which model an initial value is for; equal addresses and seeds give equal values. */
export interface ParameterAddress {
  /** Seed of the trial. */
  readonly seed: number;
  readonly network: string;
  readonly layer: string;
}

/**
 * First values of one parameter, drawn from a stream of its own, so that adding a layer never changes another one's
 * weights and every backend starts from the same bits.
 *
 * @returns a fresh float32 array of the parameter's size, row-major.
 */
export function initialValues(parameter: ParameterPlan, address: ParameterAddress): Float32Array {
  const values = new Float32Array(sizeOf(parameter.shape));
  const { initializer } = parameter;
  if (initializer.kind === 'zeros') return values;
  if (initializer.kind === 'ones') return values.fill(1);

  const generator = createGenerator(address.seed, 'weights', address.network, address.layer, parameter.name);
  if (initializer.kind === 'normal') {
    const mean = initializer.mean ?? 0;
    for (let i = 0; i < values.length; i++) values[i] = mean + initializer.sd * generator.normal();
    return values;
  }
  if (initializer.kind === 'truncatedNormal') {
    for (let i = 0; i < values.length; i++) values[i] = initializer.sd * truncatedNormal(generator);
    return values;
  }
  if (initializer.kind === 'heNormal') {
    const sd = Math.sqrt(2 / parameter.fanIn);
    return generator.fillNormal(values).map((value) => sd * value);
  }
  const fans = initializer.kind === 'heUniform' ? parameter.fanIn : parameter.fanIn + parameter.fanOut;
  const limit = initializer.kind === 'uniform' ? initializer.limit : Math.sqrt(6 / fans);
  return generator.fillUniform(values, -limit, limit);
}

function truncatedNormal(generator: RandomGenerator): number {
  let value = generator.normal();
  while (Math.abs(value) > 2) value = generator.normal();
  return value;
}
