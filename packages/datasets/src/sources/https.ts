import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { FileDatasetCard } from '../dataset-card.js';
import { fetchFailed } from '../errors.js';
import { unpackArchive } from './directory.js';
import type { SourceContext } from './source.js';

/** A server that sends nothing for this long has gone. */
const IDLE_TIMEOUT_MS = 60_000;

/**
 * Downloads the official archive, or each file (`NAME.gz`, else `NAME`), from below a base address.
 * @returns the folder that holds the card's files.
 * @throws AdctlError transient `fetch_failed` naming the address and the status or reason.
 */
export async function obtainFromUrl(card: FileDatasetCard, base: string, context: SourceContext): Promise<string> {
  const downloaded = join(context.stagingDir, 'downloaded');
  await mkdir(downloaded);
  if (card.archive !== undefined) {
    const path = join(downloaded, card.archive.name);
    await downloadFirst(base, [card.archive.name], downloaded, context);
    return unpackArchive(card, card.archive, path, context);
  }
  for (const { name } of card.files) await downloadFirst(base, [`${name}.gz`, name], downloaded, context);
  return downloaded;
}

/** Downloads the first of several names that the server has. */
async function downloadFirst(base: string, names: readonly string[], folder: string, context: SourceContext) {
  for (const [attempt, name] of names.entries()) {
    const url = new URL(name, base.endsWith('/') ? base : `${base}/`);
    const found = await downloadFile(url, join(folder, name), name, context);
    if (found) return;
    if (attempt === names.length - 1) throw fetchFailed(`${url}: not found (404)`, { url: url.href, status: 404 });
  }
}

/**
 * Downloads one address into a file.
 * @param name for progress.
 * @returns false when the server says 404.
 * @throws AdctlError transient `fetch_failed`; the signal's reason when aborted.
 */
export async function downloadFile(
  url: URL,
  path: string,
  name: string,
  { signal, onProgress }: Pick<SourceContext, 'signal' | 'onProgress'>,
): Promise<boolean> {
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(new Error(`no data for ${IDLE_TIMEOUT_MS} ms`)), IDLE_TIMEOUT_MS);
  const either = signal === undefined ? idle.signal : AbortSignal.any([signal, idle.signal]);
  try {
    const response = await fetch(url, { signal: either });
    if (response.status === 404) {
      await response.body?.cancel();
      return false;
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw fetchFailed(`${url}: the server answered ${response.status}`, { url: url.href, status: response.status });
    }
    const length = response.headers.get('content-length');
    const total = length === null ? {} : { totalBytes: Number(length) };
    let bytes = 0;
    await pipeline(
      response.body,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          timer.refresh();
          bytes += chunk.length;
          onProgress({ step: 'download', name, bytes, ...total });
          yield chunk;
        }
      },
      createWriteStream(path),
    );
    return true;
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    if (cause instanceof TypeError || idle.signal.aborted) {
      const reason = cause instanceof Error ? (cause.cause ?? cause) : cause;
      throw fetchFailed(`${url}: ${String(reason)}`, { url: url.href }, cause);
    }
    throw cause;
  } finally {
    clearTimeout(timer);
  }
}
