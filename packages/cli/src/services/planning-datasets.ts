import { join } from 'node:path';
import { createDatasetCatalog, type DatasetCatalog } from '@adctl/controller/embedded';
import { findDataset } from '@adctl/datasets';
import { AdctlError } from '@adctl/protocol';
import { createFilesystemStore } from '@adctl/storage/filesystem';
import { cacheDir } from '../environment.js';
import { summarizeDataset } from './datasets.js';
import type { Target } from './target.js';

/** What is known of data sets where a sweep would run. */
export interface PlanningDatasets extends Pick<DatasetCatalog, 'names' | 'protocols' | 'known' | 'look'> {
  /** Whether a data set without a folder could be used now. */
  isThere(dataset: { readonly name: string; readonly protocol: string }): Promise<boolean>;
}

/** This machine's cache and folders, or what a cluster's controller says of its own. */
export function planningDatasets(target: Target): PlanningDatasets {
  if (target.kind === 'folder') {
    const objects = createFilesystemStore(join(target.directory, 'objects'));
    const here = createDatasetCatalog({ cacheDir: cacheDir(), objects });
    const isThere = async (name: string) =>
      (await summarizeDataset(findDataset(name), cacheDir())).fetched !== false ||
      (await here.shared()).some((shared) => shared.name === name);
    return { ...here, isThere: ({ name }) => isThere(name) };
  }
  const cards = createDatasetCatalog({ cacheDir: cacheDir() });
  const look: DatasetCatalog['look'] = async (request) => {
    const { connectToCluster } = await import('./connect-cluster.js');
    const { client, close } = await connectToCluster(target.context);
    try {
      return await client.request('datasets.look', request);
    } finally {
      await close();
    }
  };
  return {
    ...cards,
    look,
    async isThere({ name, protocol }) {
      try {
        await look({ name, protocol });
        return true;
      } catch (error) {
        if (error instanceof AdctlError && error.code === 'dataset_missing') return false;
        throw error;
      }
    },
  };
}
