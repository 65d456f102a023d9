import { type PublishedResult, publishedRows } from '../published-result.js';

const ON_MVTEC = { dataset: 'mvtec-ad', protocol: 'mvtec' } as const;
const UNINFORMED = '"Uninformed Students" (CVPR 2020)';

/** Pixel AUROC by category, to two decimals; the mean is computed from them. */
const PIXEL_AUROC = {
  bottle: 0.78,
  cable: 0.79,
  capsule: 0.84,
  carpet: 0.72,
  grid: 0.59,
  hazelnut: 0.72,
  leather: 0.87,
  metal_nut: 0.82,
  pill: 0.68,
  screw: 0.87,
  tile: 0.93,
  toothbrush: 0.77,
  transistor: 0.66,
  wood: 0.91,
  zipper: 0.76,
  mean: 0.781,
};

/** PRO up to a false positive rate of 0.3, without carpet. */
const PRO = {
  bottle: 0.742,
  cable: 0.558,
  capsule: 0.306,
  grid: 0.183,
  hazelnut: 0.844,
  leather: 0.641,
  metal_nut: 0.358,
  pill: 0.46,
  screw: 0.277,
  tile: 0.797,
  toothbrush: 0.151,
  transistor: 0.628,
  wood: 0.621,
  zipper: 0.703,
  mean: 0.515,
};

/** All of the re-implementation in the MVTec AD paper; the original paper measured images that are not public. */
export const published: readonly PublishedResult[] = [
  ...publishedRows(
    {
      ...ON_MVTEC,
      metric: 'pixelAuroc',
      source: 'MVTec AD paper’s re-implementation, listed in a table of FCDD (ICLR 2021)',
    },
    PIXEL_AUROC,
  ),
  ...publishedRows({ ...ON_MVTEC, metric: 'pro', source: `${UNINFORMED}, read second-hand` }, { carpet: 0.469 }),
  ...publishedRows(
    { ...ON_MVTEC, metric: 'pro', source: `${UNINFORMED}, recalled and not verified`, recalled: true },
    PRO,
  ),
];
