import {
  type Sha256,
  SharedDataset,
  SharedManifest,
  sha256,
  sharedDatasetKey,
  sharedDatasetsPrefix,
  sharedFileKey,
  toCanonicalJson,
} from '@adctl/protocol';
import { parseJson } from './checkpoints.js';
import { objectMissing } from './errors.js';
import { putInParts } from './large-objects.js';
import type { ObjectInfo, ObjectStore } from './object-store.js';

/** Objects read or written at once. */
const PARALLEL_OBJECTS = 8;

/** Facts about one shared data set; null when it is not shared, or by a version that this one cannot read. */
export async function readSharedDataset(
  store: Pick<ObjectStore, 'get'>,
  name: string,
  digest: Sha256,
): Promise<SharedDataset | null> {
  return await readFacts(store, sharedDatasetKey(name, digest));
}

/** Facts about all shared data sets, or those of one name; the newest first. What this version cannot read is left out. */
export async function listSharedDatasets(
  store: Pick<ObjectStore, 'get' | 'list'>,
  name?: string,
): Promise<SharedDataset[]> {
  const infos: ObjectInfo[] = [];
  for await (const info of store.list(sharedDatasetsPrefix(name))) infos.push(info);
  infos.sort((a, b) => b.modifiedAt.getTime() - a.modifiedAt.getTime());
  const found: SharedDataset[] = [];
  for (let start = 0; start < infos.length; start += PARALLEL_OBJECTS) {
    const few = await Promise.all(infos.slice(start, start + PARALLEL_OBJECTS).map(({ key }) => readFacts(store, key)));
    found.push(...few.filter((facts) => facts !== null));
  }
  return found;
}

async function readFacts(store: Pick<ObjectStore, 'get'>, key: string): Promise<SharedDataset | null> {
  const object = await store.get(key);
  if (object === null) return null;
  const parsed = SharedDataset.safeParse(parseJson(object.content));
  // Under another key than its own it would be found by one name and read by another.
  return parsed.success && sharedDatasetKey(parsed.data.name, parsed.data.digest) === key ? parsed.data : null;
}

/**
 * The files of a shared data set, checked against the digest in its facts.
 * @returns null when the manifest is damaged.
 * @throws AdctlError permanent `object_missing`.
 */
export async function readSharedManifest(
  store: Pick<ObjectStore, 'get'>,
  { manifest }: Pick<SharedDataset, 'manifest'>,
): Promise<SharedManifest | null> {
  const key = sharedFileKey(manifest);
  const object = await store.get(key);
  if (object === null) throw objectMissing(key);
  if (sha256(object.content) !== manifest) return null;
  return SharedManifest.safeParse(parseJson(object.content)).data ?? null;
}

export interface ShareOptions {
  readonly read: (file: SharedManifest['files'][number]) => Promise<Uint8Array>;
  /** Write what is there already once more, for a store that damaged it. Default false. */
  readonly force?: boolean;
  /** Hears after each file how much of the data set is there. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Shares a data set: its files by their content, each once however many sets hold it, then the manifest, then the facts. It is
 * shared from then on; an interruption before leaves files that the next call finds.
 *
 * @returns the key of the facts, and whether anything had to be written.
 * @throws what `read` and the store throw.
 */
export async function shareDataset(
  store: ObjectStore,
  { facts, manifest }: { readonly facts: SharedDataset; readonly manifest: SharedManifest },
  { read, force = false, onProgress = () => undefined }: ShareOptions,
): Promise<{ readonly key: string; readonly alreadyThere: boolean }> {
  let wrote = false;
  const putOnce = async (key: string, bytes: number, content: () => Promise<Uint8Array>) => {
    if (!force && (await store.head(key))?.bytes === bytes) return;
    await putInParts(store, key, await content());
    wrote = true;
  };
  let done = 0;
  for (let start = 0; start < manifest.files.length; start += PARALLEL_OBJECTS) {
    await Promise.all(
      manifest.files.slice(start, start + PARALLEL_OBJECTS).map(async (file) => {
        await putOnce(sharedFileKey(file.sha256), file.bytes, () => read(file));
        done += file.bytes;
        onProgress(done);
      }),
    );
  }
  const manifestContent = Buffer.from(toCanonicalJson(manifest));
  await putOnce(sharedFileKey(facts.manifest), manifestContent.length, async () => manifestContent);
  const key = sharedDatasetKey(facts.name, facts.digest);
  const content = Buffer.from(toCanonicalJson(facts));
  await putOnce(key, content.length, async () => content);
  return { key, alreadyThere: !wrote };
}
