import { type PublishedResult, publishedRows } from '../published-result.js';

const SOURCE = 'ICCV 2019 paper, table of the image experiments, read in two third-party summaries';
/** The authors' own split: normal images about 2:1 into training and test, about 30 % anomalies in the test set. */
const PROTOCOL = "authors' one-class split";

/** Means over ten one-class problems; per-class figures were not found, and the image code was never released. */
export const published: readonly PublishedResult[] = (
  [
    ['mnist', 0.9751],
    ['cifar10', 0.6088],
  ] as const
).flatMap(([dataset, mean]) =>
  publishedRows({ dataset, protocol: PROTOCOL, metric: 'auroc', source: SOURCE }, { mean }),
);
