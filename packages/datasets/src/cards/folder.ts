import type { FolderDatasetCard } from '../dataset-card.js';

/** The user's own images. */
export const folder: FolderDatasetCard = {
  kind: 'folder',
  name: 'folder',
  layout: 'class-folders',
  resizing: 'fill',
  title: 'Image folders',
  description:
    'Your own images: one folder a class, with or without train/ and test/ above. Without them adctl draws 80 % / 20 % of each class.',
  licence: 'yours',
  origin: 'the folder that `root` names',
  obtain: 'Set dataset.root in the sweep file to the folder that holds the class folders.',
  defaultShape: { height: 64, width: 64, channels: 3 },
};
