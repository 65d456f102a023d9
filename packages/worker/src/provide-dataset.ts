import {
  allowDatasetRoot,
  type DatasetCard,
  datasetNotShared,
  digestAt,
  hasShared,
  listDatasets,
  openDataset,
  receiveShared,
  sharedDatasetDamaged,
} from '@adctl/datasets';
import type { Clock } from '@adctl/messaging';
import {
  AdctlError,
  type Sha256,
  type SharedDataset,
  sharedDigest,
  sharedFileKey,
  sharedRoot,
  type TrialDataset,
} from '@adctl/protocol';
import { listSharedDatasets, type ObjectStore, readSharedDataset, readSharedManifest } from '@adctl/storage';
import type { WorkerConfig } from './config.js';
import { retryTransient } from './retry.js';

export interface DatasetProviderOptions {
  readonly objects: ObjectStore;
  readonly config: Pick<WorkerConfig, 'dataRoots'> & {
    readonly trainer: Pick<WorkerConfig['trainer'], 'cacheDirectory'>;
  };
  readonly clock: Clock;
}

export interface ProvideOptions {
  /** Ends waiting for the store. */
  readonly signal: AbortSignal;
  /** Takes lines of the trial's story. */
  readonly say: (line: string) => void;
}

/** Sees to it that the images of a trial are on this machine; shared by the slots of a worker. */
export interface DatasetProvider {
  /**
   * Brings a data set from the object store into the cache, unless it is there or lies in a folder of the deployment's.
   *
   * @returns the data set with `root` saying where it is; unchanged where the trainer finds it by itself, or finds out what is
   *   wrong with it.
   * @throws AdctlError user `dataset_missing`, `shared_dataset_damaged`, `data_root_refused`, `bad_image_folder`, `unsafe_path`.
   */
  provide(wanted: TrialDataset, options: ProvideOptions): Promise<TrialDataset>;
}

export function createDatasetProvider({ objects, config, clock }: DatasetProviderOptions): DatasetProvider {
  const { cacheDirectory: cacheDir } = config.trainer;
  /** Where data sets of fixed files were found that trials want: under the digest they were shared by; null: in the cache. */
  const found = new Map<string, Sha256 | null>();
  /** The last download; slots that want the same one need not both load it. */
  let downloads: Promise<unknown> = Promise.resolve();

  /** One download after the other; one that fails is no reason for the next not to try. */
  function inTurn(step: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const others = downloads;
    const mine = orAborted(others, signal).then(step);
    downloads = Promise.allSettled([others, mine]);
    return mine;
  }

  async function fromStore(
    shared: SharedDataset,
    wanted: TrialDataset,
    options: ProvideOptions,
  ): Promise<TrialDataset> {
    if (!(await hasShared(cacheDir, shared.digest))) {
      await inTurn(async () => {
        if (!(await hasShared(cacheDir, shared.digest))) await download(shared, options);
      }, options.signal);
    }
    return { ...wanted, root: sharedRoot(shared.digest) };
  }

  async function download(shared: SharedDataset, { signal, say }: ProvideOptions): Promise<void> {
    const repeat = <T>(step: () => Promise<T>) => retryTransient(step, { clock, signal });
    const manifest = await asDamaged(shared, 'its manifest', () => repeat(() => readSharedManifest(objects, shared)));
    if (manifest === null) throw sharedDatasetDamaged(shared, 'its manifest', 'is not what was shared');
    say(`Fetches the data set ${shared.name} (${inMegabytes(shared.bytes)}) from the object store.`);
    const startedAt = clock.now();
    let saidAt = startedAt;
    const paths = new Map(manifest.files.map(({ path, sha256 }) => [sha256, path]));
    await receiveShared(shared, manifest, {
      cacheDir,
      repeat,
      now: () => clock.now(),
      read: (file) => readFile(objects, shared, { file, path: paths.get(file) ?? file }, signal),
      onProgress(bytes) {
        if (clock.now() - saidAt < SAY_EVERY_MS) return;
        saidAt = clock.now();
        say(`${inMegabytes(bytes)} of ${inMegabytes(shared.bytes)} of the data set ${shared.name} are here.`);
      },
    });
    const seconds = ((clock.now() - startedAt) / 1000).toFixed(1);
    say(`The data set ${shared.name} is in the cache after ${seconds} s, every file checked.`);
  }

  return {
    async provide(wanted, options) {
      const card = listDatasets().find(({ name }) => name === wanted.name);
      if (card === undefined) return wanted; // the trainer says so
      const { root } = wanted;
      const digest = sharedDigest(root);
      const retry = { clock, signal: options.signal };
      if (digest !== undefined) {
        if (await hasShared(cacheDir, digest)) return wanted;
        const shared = await retryTransient(() => readSharedDataset(objects, wanted.name, digest), retry);
        if (shared === null) throw datasetNotShared(card, digest);
        return await fromStore(shared, wanted, options);
      }
      if (root !== undefined) return { ...wanted, root: await allowDatasetRoot(card, root, config.dataRoots) };
      return card.kind === 'folder' ? wanted : await ofFixedFiles(card, wanted, options);
    },
  };

  async function ofFixedFiles(card: DatasetCard, wanted: TrialDataset, options: ProvideOptions): Promise<TrialDataset> {
    const key = JSON.stringify([wanted.name, wanted.digest, wanted.input]);
    const before = found.get(key);
    if (before === null) return wanted;
    if (before !== undefined && (await hasShared(cacheDir, before))) return { ...wanted, root: sharedRoot(before) };
    const own = await lookIntoCache(wanted, cacheDir);
    if (own === 'right') {
      found.set(key, null);
      return wanted;
    }
    const shared = await retryTransient(() => findShared(objects, wanted), { clock, signal: options.signal });
    if (shared !== null) {
      found.set(key, shared.digest);
      return await fromStore(shared, wanted, options);
    }
    if (own === 'missing') throw datasetNotShared(card, wanted.digest);
    return wanted; // other files than planned: the trainer names them
  }
}

/** How often a long download tells how far it is. */
const SAY_EVERY_MS = 10_000;

const inMegabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Whether the cache has the very images that the trial was planned with. */
async function lookIntoCache(wanted: TrialDataset, cacheDir: string): Promise<'right' | 'missing' | 'other'> {
  try {
    const dataset = await openDataset(wanted, { cacheDir });
    await dataset.close();
    return dataset.digest === wanted.digest ? 'right' : 'other';
  } catch (error) {
    if (!(error instanceof AdctlError)) throw error;
    if (error.code === 'dataset_missing') return 'missing';
    if (error.code === 'digest_mismatch' || error.code === 'corrupt_dataset') return 'other';
    throw error;
  }
}

/** The shared data set of fixed files whose images have the digest that the trial was planned with. */
async function findShared(objects: ObjectStore, wanted: TrialDataset): Promise<SharedDataset | null> {
  for (const shared of await listSharedDatasets(objects, wanted.name)) {
    if ((await digestAt(shared, wanted.input, async () => ({}))) === wanted.digest) return shared;
  }
  return null;
}

async function* readFile(
  objects: ObjectStore,
  shared: SharedDataset,
  { file, path }: { readonly file: Sha256; readonly path: string },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chunks = objects.read(sharedFileKey(file))[Symbol.asyncIterator]();
  try {
    while (true) {
      const next = await asDamaged(shared, path, () => orAborted(chunks.next(), signal));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // After an abort the store may still be waited for, which nobody has time for.
    const closed = chunks.return?.();
    if (signal.aborted) closed?.catch(() => undefined);
    else await closed;
  }
}

/** Waits for a step, but not beyond the abort. @throws the signal's reason. */
async function orAborted<T>(step: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    if (signal.aborted) abort(); // the race hears of the step all the same: its failure must not be nobody's
    return await Promise.race([step, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** An object that is not there is damage to the data set: whoever mends it must know which. */
async function asDamaged<T>(shared: SharedDataset, path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof AdctlError) || error.code !== 'object_missing') throw error;
    throw sharedDatasetDamaged(shared, path, 'is not in the object store any more', error);
  }
}
