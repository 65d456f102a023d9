import type { PublishedResult } from '../method.js';

const SOURCE = 'ICCV 2019 paper, table of the image experiments, read in two third-party summaries';
/** The authors' own split: normal images about 2:1 into training and test, about 30 % anomalies in the test set. */
const PROTOCOL = "authors' one-class split";

/** Means over ten one-class problems; per-class figures were not found, and the image code was never released. */
export const published: readonly PublishedResult[] = [row('mnist', 0.9751), row('cifar10', 0.6088)];

function row(dataset: string, auroc: number): PublishedResult {
  return { dataset, protocol: PROTOCOL, normal: 'mean', auroc, source: SOURCE, reproduced: false };
}
