import { type DatasetCard, type FetchProgress, packDataset } from '@adctl/datasets';
import { sharedRoot } from '@adctl/protocol';
import { type ObjectPlace, openObjects, shareDataset } from '@adctl/storage';
import type { DatasetsShareAnswer } from '../answers/datasets.js';

export interface ShareDatasetOptions {
  /** The deployment's object store. */
  readonly place: ObjectPlace;
  readonly cacheDir: string;
  /** Folder of the files; absent: the cache, which has those of file data sets only. */
  readonly root?: string;
  /** Write what is there already once more. */
  readonly force: boolean;
  readonly onProgress: (progress: FetchProgress) => void;
}

/**
 * Puts a data set where the controller and the workers of a deployment find it: into its object store, by content. What is there
 * already stays.
 *
 * @throws AdctlError user as `packDataset`; what the store throws.
 */
export async function shareDatasetAt(card: DatasetCard, options: ShareDatasetOptions): Promise<DatasetsShareAnswer> {
  const { place, cacheDir, root, force, onProgress } = options;
  onProgress({ step: 'verify', name: card.name, bytes: 0 });
  const packed = await packDataset(card, { root, cacheDir });
  const { facts } = packed;
  const { store, locate, close } = await openObjects(place);
  try {
    const { key, alreadyThere } = await shareDataset(store, packed, {
      read: packed.read,
      force,
      onProgress: (bytes) => onProgress({ step: 'upload', name: card.name, bytes, totalBytes: facts.bytes }),
    });
    return {
      name: card.name,
      digest: facts.digest,
      root: card.kind === 'folder' ? sharedRoot(facts.digest) : null,
      files: facts.files,
      bytes: facts.bytes,
      sharedAt: locate(key),
      alreadyThere,
    };
  } finally {
    close();
  }
}
