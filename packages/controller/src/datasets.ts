import { type Dataset, findDataset, listDatasets, listProtocols, openDataset, protocolsFor } from '@adctl/datasets';
import type { Sweep } from '@adctl/protocol';
import type { DatasetFacts } from './plan/freeze-sweep.js';

/** What the controller needs to know of data sets; it never looks at a pixel. */
export interface DatasetCatalog {
  readonly names: readonly string[];
  readonly protocols: readonly string[];
  /** What is known without opening files; undefined for folders and unknown names. */
  known(name: string, protocol: string): Omit<DatasetFacts, 'digest'> | undefined;
  /**
   * Opens the data set, as workers will see it.
   * @param root absolute.
   * @throws AdctlError user `dataset_missing`, `corrupt_dataset`, `unsupported_image_size` and their like.
   */
  look(request: {
    readonly name: string;
    readonly protocol: string;
    readonly root?: string | undefined;
    readonly image?: Sweep['dataset']['image'];
  }): Promise<DatasetFacts>;
}

/** The registry of `@adctl/datasets`. @param cacheDir from `resolveCacheDir`. */
export function createDatasetCatalog(cacheDir: string): DatasetCatalog {
  return {
    names: listDatasets().map(({ name }) => name),
    protocols: listProtocols().map(({ name }) => name),
    known(name, protocol) {
      if (!listDatasets().some((card) => card.name === name)) return undefined;
      const card = findDataset(name);
      return card.kind === 'files' ? factsOf(card, protocol) : undefined;
    },
    async look({ name, protocol, root, image }) {
      const input = image ?? (await shapeOf(name, root, cacheDir));
      const dataset = await openDataset({ name, root, input }, { cacheDir });
      try {
        return { ...factsOf(dataset, protocol), digest: dataset.digest };
      } finally {
        await dataset.close();
      }
    },
  };
}

/** An unknown protocol, or one that cannot split the set, is reported by the checks; the classes stand in for its normals. */
function factsOf(
  dataset: Pick<Dataset, 'classes' | 'shape' | 'defects'>,
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
