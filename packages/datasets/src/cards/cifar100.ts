import type { FileDatasetCard } from '../dataset-card.js';
import { CIFAR_SHAPE } from '../readers/cifar-binary.js';
import { openCifarFiles } from './cifar-files.js';

const FINE_CLASSES =
  `apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
  caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
  forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
  mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
  possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
  sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
  willow_tree wolf woman worm`.split(/\s+/);

const COARSE_CLASSES =
  `aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture insects
  large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores medium_mammals
  non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2`.split(/\s+/);

function card(
  facts: Pick<FileDatasetCard, 'name' | 'title' | 'description' | 'classes'>,
  labelOffset: number,
): FileDatasetCard {
  return {
    kind: 'files',
    ...facts,
    shape: CIFAR_SHAPE,
    partition: { name: 'official' },
    counts: { train: 50_000, test: 10_000 },
    licence: 'none stated; cite the technical report',
    origin:
      'A. Krizhevsky, 2009, Learning Multiple Layers of Features from Tiny Images, https://www.cs.toronto.edu/~kriz/cifar.html',
    obtain:
      'Download cifar-100-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html into a folder, then run: ' +
      `adctl datasets fetch ${facts.name} --source DIR`,
    archive: {
      name: 'cifar-100-binary.tar.gz',
      folder: 'cifar-100-binary',
      sha256: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
    },
    files: [
      {
        name: 'train.bin',
        bytes: 153_700_000,
        sha256: 'f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29',
      },
      {
        name: 'test.bin',
        bytes: 30_740_000,
        sha256: 'd8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a',
      },
    ],
    reader: 'cifar-binary/1',
    open: openCifarFiles({
      train: ['train.bin'],
      test: ['test.bin'],
      labelBytes: 2,
      labelOffset,
      classCount: facts.classes.length,
    }),
  };
}

/** CIFAR-100 with its 100 fine classes. */
export const cifar100 = card(
  {
    name: 'cifar100',
    title: 'CIFAR-100, fine classes',
    description: '60,000 colour photographs in 100 classes, 32 x 32, with the official split.',
    classes: FINE_CLASSES,
  },
  1,
);

/** The same images with the 20 coarse classes, the usual choice for one-class experiments on CIFAR-100. */
export const cifar100Coarse = card(
  {
    name: 'cifar100-coarse',
    title: 'CIFAR-100, coarse classes',
    description: '60,000 colour photographs in 20 superclasses, 32 x 32, with the official split.',
    classes: COARSE_CLASSES,
  },
  0,
);
