import type { FileDatasetCard } from '../dataset-card.js';
import { idxFiles, MNIST_SHAPE, openIdxFiles } from './idx-files.js';

/** In label order; our names for the official 'T-shirt/top', 'Trouser', …, without characters that paths dislike. */
export const FASHION_CLASSES = [
  't-shirt',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'ankle-boot',
] as const;

/** Clothes, the official files. They are published only as `.gz`, so those are what is pinned. */
export const fashionMnist: FileDatasetCard = {
  kind: 'files',
  name: 'fashion-mnist',
  title: 'Fashion-MNIST, official split',
  description: '70,000 grey images of clothes, 28 x 28, with the official split.',
  classes: FASHION_CLASSES,
  shape: MNIST_SHAPE,
  partition: { name: 'official' },
  counts: { train: 60_000, test: 10_000 },
  licence: 'MIT',
  origin: 'H. Xiao, K. Rasul, R. Vollgraf, 2017, arXiv:1708.07747, https://github.com/zalandoresearch/fashion-mnist',
  obtain:
    'Download the four .gz files of zalandoresearch/fashion-mnist, then run: adctl datasets fetch fashion-mnist --source DIR. ' +
    'Without them, fashion-mnist-resplit holds the same images with another split.',
  files: idxFiles({
    trainImages: { gzipSha256: '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84' },
    trainLabels: { gzipSha256: 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845' },
    testImages: { gzipSha256: '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073' },
    testLabels: { gzipSha256: '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5' },
  }),
  reader: 'idx/1',
  open: openIdxFiles,
};
