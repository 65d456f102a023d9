import { rm } from 'node:fs/promises';
import { type Dataset, openDataset, sharedDirectory } from '@adctl/datasets';
import { AdctlError, sharedDigest, type TrialDataset, type TrialSpec } from '@adctl/protocol';

/** Data sets stay open between trials: most trials of a sweep use the same one. */
const MOST_OPEN = 2;

/** The data sets of a training process. */
export interface DatasetCache {
  /** Opens the data set of a spec, or hands out one that is open already. @throws AdctlError user `dataset_changed`; as `openDataset` */
  open(spec: TrialSpec): Promise<Dataset>;
  /** Lets go of it: the next trial looks at its files anew, which may have been mended meanwhile. */
  forget(spec: TrialSpec): Promise<void>;
}

/**
 * Opens data sets, keeping the last few open.
 *
 * @param cacheDir root of the cache, see `OpenOptions`.
 */
export function createDatasetCache(cacheDir: string): DatasetCache {
  const open = new Map<string, Dataset>();
  return {
    async open({ dataset: wanted }) {
      const key = keyOf(wanted);
      const dataset = open.get(key) ?? (await openIntact(wanted, cacheDir));
      open.delete(key);
      if (dataset.digest !== wanted.digest) {
        await dataset.close();
        throw datasetChanged(wanted.name, wanted.digest, dataset.digest);
      }
      open.set(key, dataset);
      const [oldest] = open;
      if (open.size > MOST_OPEN && oldest !== undefined) {
        open.delete(oldest[0]);
        await oldest[1].close();
      }
      return dataset;
    },
    async forget({ dataset }) {
      const key = keyOf(dataset);
      await open.get(key)?.close();
      open.delete(key);
    },
  };
}

function keyOf({ name, root, input, digest }: TrialSpec['dataset']): string {
  return JSON.stringify([name, root, input, digest]);
}

/** What a copy that suffered on this machine's disk shows itself by. */
const SIGNS_OF_DAMAGE = ['digest_mismatch', 'corrupt_dataset', 'dataset_missing', 'bad_image_folder', 'bad_mask'];

/** Opens a data set; a copy from the object store that is not whole any more is removed, so that the next attempt fetches it again. */
async function openIntact(wanted: TrialDataset, cacheDir: string): Promise<Dataset> {
  const shared = sharedDigest(wanted.root);
  if (shared === undefined) return await openDataset(wanted, { cacheDir });
  let cause: unknown;
  try {
    const dataset = await openDataset(wanted, { cacheDir });
    if (dataset.digest === wanted.digest) return dataset;
    await dataset.close();
    cause = datasetChanged(wanted.name, wanted.digest, dataset.digest);
  } catch (error) {
    if (!(error instanceof AdctlError) || !SIGNS_OF_DAMAGE.includes(error.code)) throw error;
    cause = error;
  }
  await rm(sharedDirectory(cacheDir, shared), { recursive: true, force: true });
  throw new AdctlError(`This worker's copy of the shared data set ${wanted.name} was damaged and has been removed.`, {
    code: 'dataset_copy_damaged',
    kind: 'transient',
    hint: 'The next attempt fetches it again. If that happens often, look at the disk that holds the cache.',
    details: { name: wanted.name, digest: shared },
    cause,
  });
}

/** Thrown when the images here are not the ones that the sweep was planned with. */
function datasetChanged(name: string, expected: string, found: string): AdctlError {
  return new AdctlError(`The data set ${name} has digest ${found}; the sweep was planned with ${expected}.`, {
    code: 'dataset_changed',
    kind: 'user',
    hint: 'Bring the original files back, or submit the sweep again for the new ones.',
    details: { name, expected, found },
  });
}
