import { type Dataset, openDataset } from '@adctl/datasets';
import { AdctlError, type TrialSpec } from '@adctl/protocol';

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
      const dataset = open.get(key) ?? (await openDataset(wanted, { cacheDir }));
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

/** Thrown when the images here are not the ones that the sweep was planned with. */
function datasetChanged(name: string, expected: string, found: string): AdctlError {
  return new AdctlError(`The data set ${name} has digest ${found}; the sweep was planned with ${expected}.`, {
    code: 'dataset_changed',
    kind: 'user',
    hint: 'Bring the original files back, or submit the sweep again for the new ones.',
    details: { name, expected, found },
  });
}
