import {
  allowDatasetRoot,
  type Dataset,
  type DatasetCard,
  datasetNotShared,
  digestAt,
  findDataset,
  listDatasets,
  listProtocols,
  openDataset,
  protocolsFor,
  readerOf,
  sharedDatasetDamaged,
} from '@adctl/datasets';
import { AdctlError, type Sha256, type SharedDataset, type Sweep, sharedDigest } from '@adctl/protocol';
import { listSharedDatasets, type ObjectStore, readSharedDataset, readSharedManifest } from '@adctl/storage';
import type { DatasetFacts } from './plan/freeze-sweep.js';

/** What the controller needs to know of data sets; it never looks at a pixel. */
export interface DatasetCatalog {
  readonly names: readonly string[];
  readonly protocols: readonly string[];
  /** What is known without opening files; undefined for folders and unknown names. */
  known(name: string, protocol: string): Omit<DatasetFacts, 'digest'> | undefined;
  /**
   * Looks at the data set, as workers will see it.
   * @param root absolute, or `shared:<digest>`.
   * @throws AdctlError user `dataset_missing`, `data_root_refused`, `corrupt_dataset`, `unsupported_image_size` and their like.
   */
  look(request: DatasetRequest): Promise<DatasetFacts>;
  /** What lies in the object store, the newest first. */
  shared(): Promise<readonly SharedDataset[]>;
}

interface DatasetRequest {
  readonly name: string;
  readonly protocol: string;
  readonly root?: string | undefined;
  readonly image?: Sweep['dataset']['image'];
}

export interface CatalogOptions {
  /** From `resolveCacheDir`. */
  readonly cacheDir: string;
  /** Where data sets are shared; default nowhere. */
  readonly objects?: Pick<ObjectStore, 'get' | 'list'>;
  /** Folders below which `root` may lie; null (default) allows every one. */
  readonly dataRoots?: readonly string[] | null;
}

/**
 * The registry of `@adctl/datasets`. A data set that is not in the cache is known from what was said of it when it was shared,
 * so a controller needs none of the images.
 */
export function createDatasetCatalog({ cacheDir, objects, dataRoots = null }: CatalogOptions): DatasetCatalog {
  return {
    names: listDatasets().map(({ name }) => name),
    protocols: listProtocols().map(({ name }) => name),
    known(name, protocol) {
      if (!listDatasets().some((card) => card.name === name)) return undefined;
      const card = findDataset(name);
      return card.kind === 'files' ? factsOf(card, protocol) : undefined;
    },
    async look(request) {
      const { name, root } = request;
      const card = findDataset(name);
      const digest = sharedDigest(root);
      if (digest !== undefined) {
        const shared = await findShared(objects, card, digest);
        if (shared === null) throw datasetNotShared(card, digest);
        return await lookIntoStore(request, shared, objects);
      }
      if (root !== undefined)
        return await lookAtFiles(request, await allowDatasetRoot(card, root, dataRoots), cacheDir);
      try {
        return await lookAtFiles(request, undefined, cacheDir);
      } catch (error) {
        if (card.kind === 'folder' || !isUnusable(error)) throw error;
        const shared = await findShared(objects, card);
        if (shared !== null) return await lookIntoStore(request, shared, objects);
        throw error.code === 'dataset_missing' ? datasetNotShared(card, undefined, error) : error;
      }
    },
    shared: async () => (objects === undefined ? [] : await listSharedDatasets(objects)),
  };
}

/** The files here are missing, or not those of the data set; what was shared may be. */
function isUnusable(error: unknown): error is AdctlError {
  return error instanceof AdctlError && ['dataset_missing', 'digest_mismatch', 'corrupt_dataset'].includes(error.code);
}

async function lookAtFiles(
  { name, protocol, image }: DatasetRequest,
  root: string | undefined,
  cacheDir: string,
): Promise<DatasetFacts> {
  const input = image ?? (await shapeOf(name, root, cacheDir));
  const dataset = await openDataset({ name, root, input }, { cacheDir });
  try {
    return { ...factsOf(dataset, protocol), digest: dataset.digest };
  } finally {
    await dataset.close();
  }
}

/** @param digest undefined: the newest of this name. @returns null unless one is shared that the reader here can read. */
async function findShared(
  objects: CatalogOptions['objects'],
  card: DatasetCard,
  digest?: Sha256,
): Promise<SharedDataset | null> {
  const found = objects === undefined ? [] : await sharedOf(objects, card.name, digest);
  return found.find(({ reader }) => reader === readerOf(card)) ?? null;
}

async function sharedOf(
  objects: Pick<ObjectStore, 'get' | 'list'>,
  name: string,
  digest: Sha256 | undefined,
): Promise<SharedDataset[]> {
  if (digest === undefined) return await listSharedDatasets(objects, name);
  const facts = await readSharedDataset(objects, name, digest);
  return facts === null ? [] : [facts];
}

async function lookIntoStore(
  { protocol, image }: DatasetRequest,
  shared: SharedDataset,
  objects: CatalogOptions['objects'],
): Promise<DatasetFacts> {
  const shape = image ?? shared.shape;
  const digest = await digestAt(shared, shape, async () => {
    const manifest = objects === undefined ? null : await readSharedManifest(objects, shared);
    if (manifest === null) throw sharedDatasetDamaged(shared, 'its manifest', 'is not what was shared');
    return manifest.basis;
  });
  return { ...factsOf({ ...shared, shape }, protocol), digest };
}

/** An unknown protocol, or one that cannot split the set, is reported by the checks; the classes stand in for its normals. */
function factsOf(
  dataset: {
    readonly classes: readonly string[];
    readonly shape: Dataset['shape'];
    readonly defects?: Dataset['defects'];
  },
  protocol: string,
): Omit<DatasetFacts, 'digest'> {
  const fitting = protocolsFor(dataset);
  const chosen = fitting.find(({ name }) => name === protocol);
  return {
    classes: chosen?.normals(dataset.classes) ?? dataset.classes,
    shape: dataset.shape,
    protocols: fitting.map(({ name }) => name),
  };
}

async function shapeOf(name: string, root: string | undefined, cacheDir: string): Promise<DatasetFacts['shape']> {
  const dataset = await openDataset({ name, root }, { cacheDir });
  await dataset.close();
  return dataset.shape;
}
