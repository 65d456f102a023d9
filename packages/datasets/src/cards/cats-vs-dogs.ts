import type { FolderDatasetCard } from '../dataset-card.js';

/** Photographs of cats and dogs of many sizes, the way the authors of the geometric transformations read them. */
export const catsVsDogs: FolderDatasetCard = {
  kind: 'folder',
  layout: 'class-folders',
  resizing: 'crop',
  name: 'cats-vs-dogs',
  title: 'Cats and dogs, cropped to a square',
  description:
    'Photographs in cat/ and dog/, with or without train/ and test/ above; the shorter side is brought to the image size by area, the ' +
    'longer one cropped at both ends. Any folder of classes whose photographs must keep their aspect ratio can be read so.',
  licence: 'yours; the collection of Microsoft Research and Petfinder has terms of its own',
  origin: 'J. Elson, J. R. Douceur, J. Howell, J. Saul, 2007, Asirra, CCS; the folder that `root` names',
  obtain:
    'Lay the photographs out as train/cat, train/dog, test/cat, test/dog and set dataset.root in the sweep file to that folder.',
  defaultShape: { height: 64, width: 64, channels: 3 },
};
