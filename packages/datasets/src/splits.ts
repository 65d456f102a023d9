import type { Sha256 } from '@adctl/protocol';

/** An image of a data set: which part, which position. */
export interface ImageList {
  /** Positions in `train`, then positions in `test`; a protocol may draw from both. */
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/**
 * The four splits of one trial (design section 8). Disjoint by construction. Everything but `test` holds normal images
 * only. `test` has its own type so that code that ranks or stops cannot be handed it by mistake.
 */
export interface Splits {
  readonly train: ImageList;
  readonly selection: ImageList;
  readonly calibration: ImageList;
  readonly test: TestSplit;
  /** sha256 over protocol, seeds, fractions and every index. */
  readonly digest: Sha256;
}

export interface TestSplit {
  readonly sealed: 'test';
  readonly images: ImageList;
  /** 0 normal, 1 anomalous, in the order train positions then test positions. */
  readonly labels: Uint8Array;
}
