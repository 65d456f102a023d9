import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Sha256, sha256, userError } from '@adctl/protocol';
import { nullIfMissing } from './null-if-missing.js';

/** Weights of a backbone in the cache. */
export interface CachedWeights {
  /** Of the file's bytes; also its name. */
  readonly sha256: Sha256;
  readonly path: string;
  readonly bytes: number;
}

const FOLDER = 'backbones';
const SUFFIX = '.safetensors';
const DIGEST_NAME = /^([0-9a-f]{64})\.safetensors$/;

/** Where weights of this digest lie, or would. */
export function weightsPath(cacheDir: string, digest: string): string {
  return join(cacheDir, FOLDER, `${digest}${SUFFIX}`);
}

/** Puts weights into the cache under their digest; what is there already stays. */
export async function storeWeights(
  cacheDir: string,
  content: Uint8Array,
): Promise<CachedWeights & { readonly alreadyThere: boolean }> {
  const digest = sha256(content);
  const path = weightsPath(cacheDir, digest);
  const cached = { sha256: digest, path, bytes: content.length };
  const present = await readFile(path).catch(nullIfMissing);
  if (present !== null && sha256(present) === digest) return { ...cached, alreadyThere: true };
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  return { ...cached, alreadyThere: false };
}

/** Whether there is a file for this digest; its content is checked when it is read. */
export async function hasWeights(cacheDir: string, digest: string): Promise<boolean> {
  return (await stat(weightsPath(cacheDir, digest)).catch(nullIfMissing)) !== null;
}

/**
 * Writes weights that come in chunks into the cache; they appear there whole, and only when their digest is the one asked for.
 *
 * @param from what the chunks are read from, for the error.
 * @throws AdctlError user `backbone_damaged`; what the chunks throw.
 */
export async function receiveWeights(
  cacheDir: string,
  digest: string,
  chunks: AsyncIterable<Uint8Array>,
  from: string,
): Promise<{ readonly path: string; readonly bytes: number }> {
  const path = weightsPath(cacheDir, digest);
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}`;
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const file = await open(temporary, 'wx');
    try {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    const found = hash.digest('hex');
    if (found !== digest) throw damaged(from, digest, found);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  return { path, bytes };
}

/**
 * The bytes of cached weights, checked against their digest.
 * @throws AdctlError user `backbone_missing`, user `backbone_damaged`.
 */
export async function readWeights(cacheDir: string, digest: string): Promise<Uint8Array> {
  const path = weightsPath(cacheDir, digest);
  const content = await readFile(path).catch(nullIfMissing);
  if (content === null) {
    throw userError('backbone_missing', `the backbone weights ${digest} are not in the cache: ${path} does not exist`, {
      hint: 'Import the file they come from on this machine: adctl backbones import FILE_OR_URI',
      details: { sha256: digest, path },
    });
  }
  const found: string = sha256(content);
  if (found === digest) return content;
  throw damaged(path, digest, found);
}

function damaged(place: string, expected: string, found: string) {
  return userError('backbone_damaged', `${place}: its sha256 is ${found}, not the one it is named by`, {
    hint: 'Remove it and import the weights again: adctl backbones import FILE_OR_URI',
    details: { path: place, expected, found },
  });
}

/** Everything in the cache, by digest; the contents are not read. */
export async function listWeights(cacheDir: string): Promise<readonly CachedWeights[]> {
  const folder = join(cacheDir, FOLDER);
  const names = await readdir(folder).catch(nullIfMissing);
  const digests = (names ?? []).flatMap((name) => DIGEST_NAME.exec(name)?.[1] ?? []).sort();
  return await Promise.all(
    digests.map(async (digest) => {
      const path = weightsPath(cacheDir, digest);
      return { sha256: digest as Sha256, path, bytes: (await stat(path)).size };
    }),
  );
}
