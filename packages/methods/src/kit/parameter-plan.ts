import type { BatchNormPlan, InitializerPlan } from './network-plan.js';

/** One tensor a layer owns. */
export interface ParameterPlan {
  readonly name: 'kernel' | 'bias' | 'gamma' | 'beta' | 'movingMean' | 'movingVariance';
  readonly shape: readonly number[];
  readonly initializer: InitializerPlan;
  readonly trainable: boolean;
  /** Inputs and outputs a single weight connects, for the uniform initializers. */
  readonly fanIn: number;
  readonly fanOut: number;
}

const ZEROS: InitializerPlan = { kind: 'zeros' };
const ONES: InitializerPlan = { kind: 'ones' };
const GLOROT: InitializerPlan = { kind: 'glorotUniform' };

type Fans = Pick<ParameterPlan, 'fanIn' | 'fanOut'>;

/** The weights of a dense or convolution layer. */
export function kernelOf(
  plan: { readonly kernelInitializer?: InitializerPlan },
  shape: readonly number[],
  fans: Fans,
): ParameterPlan {
  return { name: 'kernel', shape, initializer: plan.kernelInitializer ?? GLOROT, trainable: true, ...fans };
}

/** One number a unit, or nothing where the plan wants none. */
export function biasOf(
  plan: { readonly bias?: boolean; readonly biasInitializer?: InitializerPlan },
  units: number,
  fans: Fans,
): ParameterPlan[] {
  if (plan.bias === false) return [];
  return [{ name: 'bias', shape: [units], initializer: plan.biasInitializer ?? ZEROS, trainable: true, ...fans }];
}

/** Scale, shift and the two moving averages of a batch normalisation. */
export function batchNormParameters(plan: BatchNormPlan, channels: number): ParameterPlan[] {
  const common = { shape: [channels], fanIn: channels, fanOut: channels };
  return [
    { name: 'gamma', initializer: plan.gammaInitializer ?? ONES, trainable: true, ...common },
    { name: 'beta', initializer: ZEROS, trainable: true, ...common },
    { name: 'movingMean', initializer: ZEROS, trainable: false, ...common },
    { name: 'movingVariance', initializer: ONES, trainable: false, ...common },
  ];
}
