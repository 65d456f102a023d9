import { type PublishedResult, publishedRows } from '../published-result.js';

/** AUROC of the score D(R(x)) by the number of inlier categories, outliers being half of the test images. */
const CALTECH = { 'of 1 category': 0.942, 'of 3 categories': 0.938, 'of 5 categories': 0.923 };

/** On MNIST the paper plots F1 only, without a table. */
export const published: readonly PublishedResult[] = Object.entries(CALTECH).flatMap(([inliers, mean]) =>
  publishedRows(
    {
      dataset: 'caltech-256',
      protocol: `authors' split, inliers ${inliers}`,
      metric: 'auroc',
      source: 'CVPR 2018 paper, mean of three repetitions',
    },
    { mean },
  ),
);
