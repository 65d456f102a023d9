import type { FileDatasetCard } from '../dataset-card.js';
import { CIFAR_SHAPE } from '../readers/cifar-binary.js';
import { openCifarFiles } from './cifar-files.js';

const BATCH_BYTES = 30_730_000;

/** Small photographs of animals and vehicles, binary version. */
export const cifar10: FileDatasetCard = {
  kind: 'files',
  name: 'cifar10',
  title: 'CIFAR-10',
  description: '60,000 colour photographs in ten classes, 32 x 32, with the official split.',
  classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  shape: CIFAR_SHAPE,
  partition: { name: 'official' },
  counts: { train: 50_000, test: 10_000 },
  licence: 'none stated; cite the technical report',
  origin:
    'A. Krizhevsky, 2009, Learning Multiple Layers of Features from Tiny Images, https://www.cs.toronto.edu/~kriz/cifar.html',
  obtain:
    'Download cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html into a folder, then run: ' +
    'adctl datasets fetch cifar10 --source DIR',
  archive: {
    name: 'cifar-10-binary.tar.gz',
    folder: 'cifar-10-batches-bin',
    sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
  },
  files: [
    ['data_batch_1.bin', 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5'],
    ['data_batch_2.bin', 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed'],
    ['data_batch_3.bin', 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67'],
    ['data_batch_4.bin', '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48'],
    ['data_batch_5.bin', '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add'],
    ['test_batch.bin', '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b'],
  ].map(([name = '', sha256 = '']) => ({ name, sha256, bytes: BATCH_BYTES })),
  reader: 'cifar-binary/1',
  open: openCifarFiles({
    train: ['data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin', 'data_batch_4.bin', 'data_batch_5.bin'],
    test: ['test_batch.bin'],
    labelBytes: 1,
    labelOffset: 0,
    classCount: 10,
  }),
};
