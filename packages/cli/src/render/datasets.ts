import type {
  DatasetSummary,
  DatasetsFetchAnswer,
  DatasetsMakeTexturesAnswer,
  DatasetsShareAnswer,
  DatasetsShowAnswer,
} from '../answers/datasets.js';
import type { Style } from './style.js';
import { renderFacts, renderTable } from './table.js';
import { bytes, count, counted } from './values.js';

export function renderDatasets(datasets: readonly DatasetSummary[], style: Style): string {
  return renderTable(
    datasets,
    [
      { head: 'DATASET', value: (dataset) => dataset.name },
      { head: 'TITLE', value: (dataset) => dataset.title },
      { head: 'IMAGES', value: imagesOf },
      {
        head: 'CLASSES',
        align: 'right',
        value: (dataset) => (dataset.classes.length === 0 ? '-' : String(dataset.classes.length)),
      },
      { head: 'IN CACHE', value: inCache },
    ],
    style,
  );
}

export function renderDataset(dataset: DatasetsShowAnswer, style: Style): string {
  const facts = renderFacts(
    [
      ['dataset', `${dataset.name}: ${dataset.title}`],
      ['about', dataset.description],
      ['origin', dataset.origin],
      ['licence', dataset.licence],
      ['images', imagesOf(dataset)],
      ['in cache', inCache(dataset)],
      ['folder', dataset.directory ?? undefined],
      ['get it', dataset.fetched === true || dataset.opened !== undefined ? undefined : dataset.obtain],
      ['looked into', dataset.opened?.root],
      ['digest', dataset.opened?.digest],
    ],
    style,
  );
  if (dataset.opened === undefined) return facts;
  if (dataset.opened.categories !== undefined)
    return `${facts}\n\n${renderCategories(dataset.opened.categories, style)}`;
  const table = renderTable(
    dataset.opened.perClass,
    [
      { head: 'CLASS', value: (row) => row.class },
      { head: 'TRAIN', align: 'right', value: (row) => count(row.train) },
      { head: 'TEST', align: 'right', value: (row) => count(row.test) },
    ],
    style,
  );
  return `${facts}\n\n${table}`;
}

type Category = NonNullable<NonNullable<DatasetsShowAnswer['opened']>['categories']>[number];

function renderCategories(categories: readonly Category[], style: Style): string {
  const table = renderTable(
    categories,
    [
      { head: 'CATEGORY', value: ({ category }) => category },
      { head: 'TRAIN', align: 'right', value: ({ train }) => count(train) },
      {
        head: 'TEST',
        value: ({ test }) =>
          Object.entries(test)
            .map(([defect, images]) => `${count(images)} ${defect}`)
            .join(', ') || '-',
      },
      { head: 'MASKS', align: 'right', value: ({ masks }) => count(masks) },
      { head: 'SIZES', value: ({ sizes }) => sizesOf(sizes) },
    ],
    style,
  );
  const problems = categories.flatMap(({ category, problem }) =>
    problem === null ? [] : [style.red(`${category} cannot be used: ${problem}`)],
  );
  return [table, ...problems].join('\n');
}

/** `64x64x3`, or each size with its number of images. */
function sizesOf(sizes: Category['sizes']): string {
  const [only, ...others] = sizes.map(({ width, height, channels, images }) => ({
    size: `${height}x${width}x${channels}`,
    images,
  }));
  if (only === undefined) return '-';
  return others.length === 0 ? only.size : [only, ...others].map((one) => `${one.images} of ${one.size}`).join(', ');
}

export function renderFetched({ name, directory, files, alreadyThere, sharedAt }: DatasetsFetchAnswer): string {
  const size = `${counted(files.length, 'file')}, ${bytes(files.reduce((sum, file) => sum + file.bytes, 0))}`;
  const fetched = alreadyThere
    ? `${name} is already in ${directory} (${size}); --force fetches it again.`
    : `${name}: ${size}, checked and stored in ${directory}`;
  return sharedAt === undefined ? fetched : `${fetched}\nController and workers find it at ${sharedAt}`;
}

export function renderShared({ name, root, files, bytes: size, sharedAt, alreadyThere }: DatasetsShareAnswer): string {
  const what = `${name}: ${counted(files, 'file')}, ${bytes(size)}`;
  const place = alreadyThere ? `was already shared at ${sharedAt}` : `shared at ${sharedAt}`;
  const naming = root === null ? [] : [`Name it in a sweep file:  root: ${root}`];
  return [`${what}, ${place}`, ...naming].join('\n');
}

export function renderMadeTextures({ directory, families, images, masks }: DatasetsMakeTexturesAnswer): string {
  return `${directory}: ${families.join(', ')}; ${counted(images, 'image')}, ${counted(masks, 'mask')}`;
}

function imagesOf({ shape, counts }: DatasetSummary): string {
  if (shape === null || counts === null) return 'your own';
  return `${count(counts.train)} + ${count(counts.test)} of ${shape.height}x${shape.width}x${shape.channels}`;
}

function inCache({ fetched }: DatasetSummary): string {
  if (fetched === null) return 'not needed';
  return fetched ? 'yes' : 'no';
}
