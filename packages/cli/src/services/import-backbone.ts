import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { downloadFile, type FetchProgress, storeWeights } from '@adctl/datasets';
import { type BackboneName, backboneOf, convertWeightFile } from '@adctl/methods/backbones';
import { sha256, userError } from '@adctl/protocol';
import type { ObjectPlace } from '@adctl/storage';
import type { S3Settings } from '@adctl/storage/s3';
import type { BackbonesImportAnswer } from '../answers/backbones.js';
import { shareBackbone } from './share-backbone.js';

export interface ImportOptions {
  /** A path, or an http, https or s3 address. */
  readonly source: string;
  /** Digest that the whole file must have; needed for everything that comes over a network. */
  readonly sha256?: string;
  /** The architecture, where the file's tensors fit several. */
  readonly as?: BackboneName;
  readonly cacheDir: string;
  /** The object store of a deployment, whose workers shall find the weights; default none. */
  readonly share?: ObjectPlace;
  /** How a bucket is reached. */
  readonly bucketSettings: (bucket: string) => S3Settings;
  readonly onProgress: (progress: FetchProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Takes a backbone's weights out of a file and puts them into the cache by their digest, and into an object store if asked.
 *
 * @throws AdctlError user `backbone_source`, `backbone_unpinned`, `backbone_digest`, `backbone_unknown`, `backbone_invalid`;
 *   transient `fetch_failed`; what the object store throws.
 */
export async function importBackbone(options: ImportOptions): Promise<BackbonesImportAnswer> {
  const { source, cacheDir, onProgress } = options;
  if (isRemote(source) && options.sha256 === undefined) {
    throw userError('backbone_unpinned', `${source} comes over a network, so its digest must be given`, {
      hint: 'Add --sha256 with the digest that the publisher states, or that you computed of a copy you trust.',
    });
  }
  const content = await obtain(options);
  const sourceSha256 = sha256(content);
  if (options.sha256 !== undefined && options.sha256 !== sourceSha256) {
    throw userError('backbone_digest', `${source}: sha256 is ${sourceSha256}, expected ${options.sha256}`, {
      hint: 'The file is damaged or another version; nothing was imported.',
      details: { source, expected: options.sha256, found: sourceSha256 },
    });
  }
  onProgress({ step: 'verify', name: basename(source), bytes: 0, totalBytes: content.length });
  const converted = convertWeightFile(content, source, options.as);
  const { path, bytes, alreadyThere } = await storeWeights(cacheDir, converted.file);
  const { share } = options;
  const sharedAt = share === undefined ? undefined : await shareBackbone(share, converted.sha256, converted.file);
  const { architecture, used, ignored, dtypes, hasClasses, notes } = converted;
  return {
    architecture,
    title: backboneOf(architecture).title,
    ...{ sha256: converted.sha256, path, bytes, hasClasses, source, sourceSha256, alreadyThere, used },
    ignored: [...ignored],
    dtypes: [...dtypes],
    notes: [...notes],
    ...(sharedAt === undefined ? {} : { sharedAt }),
  };
}

function isRemote(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source);
}

async function obtain(options: ImportOptions): Promise<Uint8Array> {
  const { source } = options;
  if (!isRemote(source)) return await readLocal(options);
  const url = URL.parse(source);
  if (url?.protocol === 's3:') return await readFromS3(url, options);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return await readFromWeb(url, options);
  throw unusable(source, 'only files, http, https and s3 addresses can be read');
}

async function readLocal({ source, onProgress }: ImportOptions): Promise<Uint8Array> {
  try {
    const { size } = await stat(source);
    return await collect(createReadStream(source), basename(source), onProgress, size);
  } catch (cause) {
    throw unusable(source, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function readFromWeb(url: URL, { onProgress, signal }: ImportOptions): Promise<Uint8Array> {
  const stagingDir = await mkdtemp(join(tmpdir(), 'adctl-backbone-'));
  try {
    const path = join(stagingDir, 'weights');
    const context = { onProgress, ...(signal === undefined ? {} : { signal }) };
    const found = await downloadFile(url, path, basename(url.pathname), context);
    if (!found) throw unusable(url.href, 'not found (404)');
    return await readFile(path);
  } finally {
    await rm(stagingDir, { recursive: true, force: true });
  }
}

/** Credentials are what the SDK finds in the environment and its files. */
async function readFromS3(url: URL, { source, onProgress, bucketSettings }: ImportOptions): Promise<Uint8Array> {
  const key = url.pathname.slice(1);
  if (!/^[A-Za-z0-9._=-]+(\/[A-Za-z0-9._=-]+)*$/.test(key)) {
    throw unusable(source, 'it names no object: write s3://BUCKET/KEY with letters, digits, . _ = - and /');
  }
  const { createS3Store } = await import('@adctl/storage/s3');
  const store = createS3Store(bucketSettings(url.hostname));
  try {
    const info = await store.head(key);
    if (info === null) throw unusable(source, 'there is no such object');
    return await collect(store.read(key), basename(key), onProgress, info.bytes);
  } finally {
    store.close();
  }
}

async function collect(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  onProgress: ImportOptions['onProgress'],
  totalBytes: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    bytes += chunk.length;
    onProgress({ step: 'download', name, bytes, totalBytes });
  }
  return Buffer.concat(parts);
}

function unusable(source: string, reason: string, cause?: unknown) {
  return userError('backbone_source', `${source}: cannot be read: ${reason}`, {
    hint: 'Give the path of a safetensors file, or its http, https or s3 address.',
    details: { source, reason },
    cause,
  });
}
