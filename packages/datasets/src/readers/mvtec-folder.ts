import { readdir, stat } from 'node:fs/promises';
import { basename, join, parse } from 'node:path';
import { AdctlError } from '@adctl/protocol';
import { badFolder, badMask } from '../errors.js';
import { imageNamesIn, inOrder, namesIn, resolveInside, resolveRoot } from './walk-folder.js';

/** One image of a set in the MVTec AD layout; paths lie below the root, with `/`. */
export interface MvtecImage {
  readonly path: string;
  /** The category. */
  readonly className: string;
  /** `good`, or the name of the defect folder. */
  readonly defect: string;
  /** The mask of a defective image. */
  readonly maskPath?: string;
}

export interface MvtecListing {
  /** The root with links resolved. */
  readonly root: string;
  /** Categories, in code-unit order; broken ones as well. */
  readonly classes: readonly string[];
  /** Kinds of defect over all categories: `good`, then the others in order. */
  readonly defects: readonly string[];
  readonly train: readonly MvtecImage[];
  readonly test: readonly MvtecImage[];
  /** Categories that cannot be used, with the reason. */
  readonly broken: ReadonlyMap<string, AdctlError>;
}

export const GOOD = 'good';
const LAYOUT =
  '<category>/train/good/*.png, <category>/test/good/*.png, <category>/test/<defect>/NAME.png and <category>/ground_truth/<defect>/NAME_mask.png';

/**
 * Lists a set in the MVTec AD layout. The root holds category folders, or is one itself. What is wrong with one category is kept
 * as its reason, so that the others can be used; folders without `train` and `test` are no categories.
 *
 * @throws AdctlError user `bad_image_folder` when the root is missing or holds no category.
 */
export async function listMvtecFolder(givenRoot: string): Promise<MvtecListing> {
  const root = await resolveRoot(givenRoot);
  const candidates = (await isCategory(root)) ? [{ name: basename(root), folder: '' }] : await categoriesIn(root);
  if (candidates.length === 0) throw badFolder(root, 'holds no category with train/ and test/', LAYOUT);
  const train: MvtecImage[] = [];
  const test: MvtecImage[] = [];
  const broken = new Map<string, AdctlError>();
  for (const { name, folder } of candidates) {
    try {
      const images = await listCategory(root, folder, name);
      train.push(...images.train);
      test.push(...images.test);
    } catch (error) {
      if (!(error instanceof AdctlError)) throw error;
      broken.set(name, error);
    }
  }
  const kinds = new Set(test.map(({ defect }) => defect).filter((defect) => defect !== GOOD));
  return { root, classes: candidates.map(({ name }) => name), defects: [GOOD, ...inOrder(kinds)], train, test, broken };
}

interface Category {
  readonly name: string;
  /** Below the root; '' for the root itself. */
  readonly folder: string;
}

async function categoriesIn(root: string): Promise<Category[]> {
  const names = inOrder(await readdir(root)).filter((name) => !name.startsWith('.'));
  const are = await Promise.all(names.map((name) => isCategory(join(root, name))));
  return names.filter((_, i) => are[i]).map((name) => ({ name, folder: `${name}/` }));
}

/** One of the two is enough: a category that lacks the other should be named, not left out. */
async function isCategory(folder: string): Promise<boolean> {
  const parts = await Promise.all(['train', 'test'].map((part) => isDirectory(join(folder, part))));
  return parts.some(Boolean);
}

async function listCategory(
  root: string,
  folder: string,
  className: string,
): Promise<{ readonly train: MvtecImage[]; readonly test: MvtecImage[] }> {
  const imagesIn = async (part: string, defect: string): Promise<MvtecImage[]> => {
    const path = `${folder}${part}/${defect}`;
    if (!(await isDirectory(join(root, path)))) throw badFolder(join(root, path), 'does not exist', LAYOUT);
    await resolveInside(root, join(root, path));
    const names = await imageNamesIn(root, join(root, path));
    if (names.length === 0) throw badFolder(join(root, path), 'holds no images', LAYOUT);
    return names.map((name) => ({ path: `${path}/${name}`, className, defect }));
  };
  const train = await imagesIn('train', GOOD);
  const test = await imagesIn('test', GOOD);
  const testFolder = join(root, folder, 'test');
  await resolveInside(root, testFolder);
  const kinds = (await namesIn(root, testFolder, 'directory')).filter((name) => name !== GOOD);
  if (kinds.length === 0) throw badFolder(testFolder, 'holds no folder of defects beside good/', LAYOUT);
  for (const defect of kinds) {
    const masks = await masksIn(root, `${folder}ground_truth/${defect}`);
    for (const image of await imagesIn('test', defect)) {
      const maskPath = `${folder}ground_truth/${defect}/${parse(image.path).name}_mask.png`;
      if (!masks.has(maskPath)) throw badMask(join(root, maskPath), `is missing; it belongs to ${image.path}`);
      test.push({ ...image, maskPath });
    }
  }
  return { train, test };
}

/** Paths of the masks of one defect; a missing folder has none. */
async function masksIn(root: string, folder: string): Promise<Set<string>> {
  if (!(await isDirectory(join(root, folder)))) return new Set();
  await resolveInside(root, join(root, folder));
  const names = await imageNamesIn(root, join(root, folder));
  return new Set(names.map((name) => `${folder}/${name}`));
}

async function isDirectory(path: string): Promise<boolean> {
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  return facts?.isDirectory() === true;
}
