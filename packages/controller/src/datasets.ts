import { findDataset, listDatasets, listProtocols, openDataset } from '@adctl/datasets';
import type { Sweep } from '@adctl/protocol';
import type { DatasetFacts } from './plan/freeze-sweep.js';

/** What the controller needs to know of data sets; it never looks at a pixel. */
export interface DatasetCatalog {
  readonly names: readonly string[];
  readonly protocols: readonly string[];
  /** Classes and image size as far as they are known without opening files; undefined for folders and unknown names. */
  known(name: string): Pick<DatasetFacts, 'classes' | 'shape'> | undefined;
  /**
   * Opens the data set, as workers will see it.
   * @param root absolute.
   * @throws AdctlError user `dataset_missing`, `corrupt_dataset`, `unsupported_image_size` and their like.
   */
  look(request: {
    readonly name: string;
    readonly root?: string | undefined;
    readonly image?: Sweep['dataset']['image'];
  }): Promise<DatasetFacts>;
}

/** The registry of `@adctl/datasets`. @param cacheDir from `resolveCacheDir`. */
export function createDatasetCatalog(cacheDir: string): DatasetCatalog {
  return {
    names: listDatasets().map(({ name }) => name),
    protocols: listProtocols().map(({ name }) => name),
    known(name) {
      if (!listDatasets().some((card) => card.name === name)) return undefined;
      const card = findDataset(name);
      return card.kind === 'files' ? { classes: card.classes, shape: card.shape } : undefined;
    },
    async look({ name, root, image }) {
      const input = image ?? (await shapeOf(name, root, cacheDir));
      const dataset = await openDataset({ name, root, input }, { cacheDir });
      try {
        return { classes: dataset.classes, shape: dataset.shape, digest: dataset.digest };
      } finally {
        await dataset.close();
      }
    },
  };
}

async function shapeOf(name: string, root: string | undefined, cacheDir: string): Promise<DatasetFacts['shape']> {
  const dataset = await openDataset({ name, root }, { cacheDir });
  await dataset.close();
  return dataset.shape;
}
