import type { FolderDatasetCard } from '../dataset-card.js';

/** Photographs of 100 things from all around. */
export const coil100: FolderDatasetCard = {
  kind: 'folder',
  layout: 'coil-100',
  resizing: 'fill',
  name: 'coil-100',
  title: 'COIL-100 objects',
  description:
    '7,200 colour photographs, 128 x 128, of 100 objects, 72 angles each; classes obj1 … obj100. There is no official split: use ' +
    'one-class-80-20.',
  licence: 'free for research; see its page',
  origin:
    'S. A. Nene, S. K. Nayar, H. Murase, 1996, Columbia Object Image Library, https://www.cs.columbia.edu/CAVE/software/softlib/coil-100.php',
  obtain:
    'Unpack coil-100.zip and set dataset.root in the sweep file to the folder that holds obj1__0.png and the others.',
  defaultShape: { height: 32, width: 32, channels: 3 },
};
