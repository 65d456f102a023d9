import type { RandomGenerator } from '@adctl/random';
import type { Dataset } from '../dataset.js';

/**
 * A position in both parts of a data set at once: `i` is image i of `train`, `train.count + j` is image j of `test`.
 * Protocols work on these; `toImageList` turns them into an `ImageList`.
 */
export type PooledPosition = number;

export interface ProtocolRequest {
  readonly dataset: Pick<Dataset, 'name' | 'classes' | 'train' | 'test'>;
  /** Position in the protocol's `normals`, and so in `dataset.classes`. */
  readonly normal: number;
  /** A stream of its own for each purpose, drawn from the split seed. */
  generator(purpose: string): RandomGenerator;
}

export interface ProtocolPlan {
  /** Normal images to train on, hold-outs not yet taken; any order. */
  readonly pool: readonly PooledPosition[];
  /** Test images by label; any order, disjoint from `pool`. */
  readonly normalTests: readonly PooledPosition[];
  readonly anomalousTests: readonly PooledPosition[];
}

/** How the images of a data set become training and test images, once it is chosen what is normal. Pure. */
export interface SplitProtocol {
  /** What people write in a sweep file. */
  readonly name: string;
  readonly title: string;
  /** What it does and what its figures may be compared with. */
  readonly description: string;
  /** Whether it needs to know which defect an image shows; data sets that tell it can be split in no other way. */
  readonly needsDefects: boolean;
  /** Names of what can be normal, one for each class in the order of the classes. */
  normals(classes: readonly string[]): readonly string[];
  /** @throws AdctlError user `too_few_images`. */
  plan(request: ProtocolRequest): ProtocolPlan;
}

/** Positions of the images of one class, ascending, `train` before `test`. */
export function positionsOfClass(
  dataset: ProtocolRequest['dataset'],
  label: number,
  parts: readonly ('train' | 'test')[],
): PooledPosition[] {
  return parts.flatMap((part) => positionsWhere(dataset, part, (candidate) => candidate === label));
}

/** Positions of the images of a part whose label and defect (0 where none is told) a condition holds for, ascending. */
export function positionsWhere(
  dataset: ProtocolRequest['dataset'],
  part: 'train' | 'test',
  holds: (label: number, defect: number) => boolean,
): PooledPosition[] {
  const { labels, defects } = dataset[part];
  const offset = part === 'train' ? 0 : dataset.train.count;
  const positions: number[] = [];
  labels.forEach((label, index) => {
    if (holds(label, defects?.[index] ?? 0)) positions.push(offset + index);
  });
  return positions;
}
