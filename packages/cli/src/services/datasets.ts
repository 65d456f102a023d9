import { join } from 'node:path';
import {
  type DatasetCard,
  datasetDirectory,
  listDatasets,
  openDataset,
  type Subset,
  surveyMvtec,
} from '@adctl/datasets';
import type { DatasetSummary, DatasetsShowAnswer } from '../answers/datasets.js';
import { fileExists } from './files.js';

/** What a card says, and whether its files are in the cache. */
export async function summarizeDataset(card: DatasetCard, cacheDir: string): Promise<DatasetSummary> {
  const { name, title, kind, description, licence, origin, obtain } = card;
  const facts = { name, title, kind, description, licence, origin, obtain };
  if (card.kind === 'folder') {
    return { ...facts, fetched: null, directory: null, classes: [], shape: null, counts: null };
  }
  return {
    ...facts,
    fetched: await isFetched(card, cacheDir),
    directory: datasetDirectory(cacheDir, name),
    classes: [...card.classes],
    shape: card.shape,
    counts: card.counts,
  };
}

/** Names of the data sets whose files are all in the cache. */
export async function fetchedNames(cacheDir: string): Promise<string[]> {
  const summaries = await Promise.all(listDatasets().map((card) => summarizeDataset(card, cacheDir)));
  return summaries.filter((summary) => summary.fetched === true).map((summary) => summary.name);
}

/**
 * A data set with its digest and images per class, when its files are there; of a folder in the MVTec AD layout also what each
 * category holds.
 *
 * @param root the folder of the files; absent: the cache, which has those of file data sets only.
 *
 * @throws AdctlError user, from the data set, for damaged files
 */
export async function describeDataset(card: DatasetCard, cacheDir: string, root?: string): Promise<DatasetsShowAnswer> {
  const summary = await summarizeDataset(card, cacheDir);
  if (root === undefined && summary.fetched !== true) return summary;
  const dataset = await openDataset({ name: card.name, root }, { cacheDir });
  try {
    const train = countLabels(dataset.train, dataset.classes.length);
    const test = countLabels(dataset.test, dataset.classes.length);
    const perClass = dataset.classes.map((name, index) => ({
      class: name,
      train: train[index] ?? 0,
      test: test[index] ?? 0,
    }));
    const opened = { digest: dataset.digest, perClass, ...(root === undefined ? {} : { root }) };
    if (root === undefined || card.kind !== 'folder' || card.layout !== 'mvtec') return { ...summary, opened };
    const categories = (await surveyMvtec(card, root)).map((survey) => ({ ...survey, sizes: [...survey.sizes] }));
    return { ...summary, opened: { ...opened, categories } };
  } finally {
    await dataset.close();
  }
}

function countLabels(subset: Subset, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of subset.labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/** A file counts under any of its names, plain or packed; its content is checked when it is opened, not here. */
async function isFetched(card: Extract<DatasetCard, { kind: 'files' }>, cacheDir: string): Promise<boolean> {
  const directory = datasetDirectory(cacheDir, card.name);
  const present = await Promise.all(
    card.files.map(async (file) => {
      const names = [file.name, ...(file.aliases ?? [])].flatMap((name) => [name, `${name}.gz`]);
      const found = await Promise.all(names.map((name) => fileExists(join(directory, name))));
      return found.some(Boolean);
    }),
  );
  return present.every(Boolean);
}
