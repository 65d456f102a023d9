import { join } from 'node:path';
import { AdctlError } from '@adctl/protocol';
import type { FolderDatasetCard } from './dataset-card.js';
import { checkCategories } from './readers/check-categories.js';
import { readHeader } from './readers/decode-image.js';
import { listMvtecFolder, type MvtecImage } from './readers/mvtec-folder.js';

/** Images of one size in pixels. */
export interface SizeCount {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly images: number;
}

/** What one category of a set in the MVTec AD layout holds. */
export interface CategorySurvey {
  readonly category: string;
  readonly train: number;
  /** Test images by kind of defect, `good` first. */
  readonly test: Readonly<Record<string, number>>;
  /** Defective test images with a mask. */
  readonly masks: number;
  /** Of training and test images, the most frequent first. */
  readonly sizes: readonly SizeCount[];
  /** Why the category cannot be used, as far as names and headers tell; null when nothing is wrong with them. */
  readonly problem: string | null;
}

/** Headers read at once. */
const PARALLEL_HEADERS = 8;

/**
 * Looks through a set in the MVTec AD layout without decoding a pixel: names and image headers only.
 *
 * @param card its `categories`, where it has some, are what the set must hold.
 * @throws AdctlError user `bad_image_folder`, `unsafe_path`.
 */
export async function surveyMvtec(
  card: Pick<FolderDatasetCard, 'title' | 'categories'>,
  root: string,
): Promise<CategorySurvey[]> {
  const listing = await listMvtecFolder(root);
  const { title, categories } = card;
  const unexpected =
    categories === undefined ? new Map<string, AdctlError>() : checkCategories(listing, { title, categories });
  const surveys: CategorySurvey[] = [];
  for (const category of listing.classes) {
    const ofCategory = ({ className }: MvtecImage) => className === category;
    const [train, tests] = [listing.train.filter(ofCategory), listing.test.filter(ofCategory)];
    const headers = await readHeaders(listing.root, [...train, ...tests]);
    const problem = listing.broken.get(category) ?? unexpected.get(category) ?? headers.unreadable;
    surveys.push({
      category,
      train: train.length,
      test: Object.fromEntries([...Map.groupBy(tests, ({ defect }) => defect)].map(([name, of]) => [name, of.length])),
      masks: tests.filter(({ maskPath }) => maskPath !== undefined).length,
      sizes: headers.sizes,
      problem: problem?.message ?? null,
    });
  }
  return surveys;
}

async function readHeaders(
  root: string,
  images: readonly MvtecImage[],
): Promise<{ readonly sizes: SizeCount[]; readonly unreadable: AdctlError | null }> {
  const counts = new Map<string, SizeCount>();
  let unreadable: AdctlError | null = null;
  for (let start = 0; start < images.length; start += PARALLEL_HEADERS) {
    const few = images.slice(start, start + PARALLEL_HEADERS);
    for (const header of await Promise.all(few.map(({ path }) => headerOf(join(root, path))))) {
      if (header instanceof AdctlError) unreadable ??= header;
      else {
        const { width, height, channels } = header;
        const key = `${width} ${height} ${channels}`;
        counts.set(key, { ...header, images: (counts.get(key)?.images ?? 0) + 1 });
      }
    }
  }
  return { sizes: [...counts.values()].sort((a, b) => b.images - a.images), unreadable };
}

async function headerOf(path: string): Promise<Omit<SizeCount, 'images'> | AdctlError> {
  try {
    const { width, height, channels } = await readHeader(path);
    return { width, height, channels };
  } catch (error) {
    if (error instanceof AdctlError) return error;
    throw error;
  }
}
