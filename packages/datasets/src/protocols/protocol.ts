import type { RandomGenerator } from '@adctl/random';
import type { Dataset } from '../dataset.js';

/**
 * A position in both parts of a data set at once: `i` is image i of `train`, `train.count + j` is image j of `test`.
 * Protocols work on these; `toImageList` turns them into an `ImageList`.
 */
export type PooledPosition = number;

export interface ProtocolRequest {
  readonly dataset: Pick<Dataset, 'name' | 'classes' | 'train' | 'test'>;
  /** Index into `dataset.classes`. */
  readonly normal: number;
  /** A stream of its own for each purpose, drawn from the split seed. */
  generator(purpose: string): RandomGenerator;
}

export interface ProtocolPlan {
  /** Normal images to train on, hold-outs not yet taken; any order. */
  readonly pool: readonly PooledPosition[];
  /** Test images; any order, disjoint from `pool`. */
  readonly test: readonly PooledPosition[];
}

/** How the images of a data set become training and test images, once a class is chosen as normal. Pure. */
export interface SplitProtocol {
  /** What people write in a sweep file. */
  readonly name: string;
  readonly title: string;
  /** What it does and what its figures may be compared with. */
  readonly description: string;
  /** @throws AdctlError user `too_few_images`. */
  plan(request: ProtocolRequest): ProtocolPlan;
}

/** Positions of the images of one class, ascending, `train` before `test`. */
export function positionsOfClass(
  dataset: ProtocolRequest['dataset'],
  label: number,
  parts: readonly ('train' | 'test')[],
): PooledPosition[] {
  return parts.flatMap((part) => {
    const offset = part === 'train' ? 0 : dataset.train.count;
    const positions: number[] = [];
    dataset[part].labels.forEach((candidate, index) => {
      if (candidate === label) positions.push(offset + index);
    });
    return positions;
  });
}
