import { join } from 'node:path';
import { badFolder } from '../errors.js';
import { IMAGE_EXTENSIONS, imageNamesIn, inOrder, namesIn, resolveRoot } from './walk-folder.js';

export interface FolderImage {
  /** Path below the root, with `/`. */
  readonly path: string;
  /** Name of the class folder. */
  readonly className: string;
}

export interface FolderListing {
  /** The root with links resolved. */
  readonly root: string;
  readonly classes: readonly string[];
  /** `whole` when the folder has no parts of its own. In code-unit order of the path, class by class. */
  readonly parts: { readonly whole: FolderImage[] } | { readonly train: FolderImage[]; readonly test: FolderImage[] };
}

/**
 * Lists the images of a folder: `<class>/*.png`, or `train/<class>/…` with `test/<class>/…`. Hidden names and files that are no
 * images are left out; everything is in code-unit order, so every machine lists the same.
 *
 * @throws AdctlError user `bad_image_folder` for a missing root, one part without the other, no classes or an empty class;
 *   `unsafe_path` for a link that leads out of the root.
 */
export async function listImageFolder(givenRoot: string): Promise<FolderListing> {
  const root = await resolveRoot(givenRoot);
  const names = await namesIn(root, root, 'directory');
  const hasTrain = names.includes('train');
  const hasTest = names.includes('test');
  if (hasTrain !== hasTest) {
    const [there, lacking] = hasTrain ? ['train', 'test'] : ['test', 'train'];
    throw badFolder(root, `has ${there}/ but no ${lacking}/`);
  }
  if (!hasTrain) {
    const whole = await imagesByClass(root, '', names);
    if (names.length === 0) throw badFolder(root, 'holds no class folders');
    return { root, classes: names, parts: { whole } };
  }
  const trainClasses = await namesIn(root, join(root, 'train'), 'directory');
  const testClasses = await namesIn(root, join(root, 'test'), 'directory');
  if (trainClasses.length === 0) throw badFolder(root, 'train/ holds no class folders');
  const train = await imagesByClass(root, 'train/', trainClasses);
  const test = await imagesByClass(root, 'test/', testClasses);
  return { root, classes: inOrder(new Set([...trainClasses, ...testClasses])), parts: { train, test } };
}

async function imagesByClass(root: string, prefix: string, classes: readonly string[]): Promise<FolderImage[]> {
  const images: FolderImage[] = [];
  for (const className of classes) {
    const folder = join(root, prefix, className);
    const files = await imageNamesIn(root, folder);
    if (files.length === 0) {
      throw badFolder(root, `class folder ${prefix}${className}/ holds no images (${IMAGE_EXTENSIONS.join(' ')})`);
    }
    for (const name of files) images.push({ path: `${prefix}${className}/${name}`, className });
  }
  return images;
}
