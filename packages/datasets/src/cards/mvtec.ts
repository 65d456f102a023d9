import type { FolderDatasetCard } from '../dataset-card.js';

/** MVTec AD, or any set laid out like it. */
export const mvtec: FolderDatasetCard = {
  kind: 'folder',
  layout: 'mvtec',
  resizing: 'fill',
  name: 'mvtec',
  title: 'MVTec AD layout: categories, defects, masks',
  description:
    'A folder a category with train/good, test/good, test/<defect> and ground_truth/<defect> masks: MVTec AD (15 categories), other ' +
    'sets laid out like it, and what `adctl datasets make textures` makes. Split by the protocol mvtec.',
  licence: 'MVTec AD: CC BY-NC-SA 4.0; otherwise yours',
  origin:
    'P. Bergmann, M. Fauser, D. Sattlegger, C. Steger, 2019, MVTec AD, CVPR, https://www.mvtec.com/company/research/datasets/mvtec-ad',
  obtain:
    'Unpack MVTec AD, or run `adctl datasets make textures --out DIR`, and set dataset.root in the sweep file to the folder that holds ' +
    'the categories.',
  defaultShape: { height: 128, width: 128, channels: 3 },
};
